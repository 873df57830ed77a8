//! Where logs go: to the terminal, and to a file for each node.
//!
//! Each node has a tokio runtime of its own, and [`LogFile::enter_thread`] is called on each of its
//! threads. So whatever a node's tasks log, in this crate or in others, lands in that node's file,
//! although a devnet runs many nodes in one process.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry, fmt, registry::LookupSpan};

/// What a node's log is called in its data directory.
pub(crate) const LOG_FILE: &str = "herald.log";

/// A log file of this size becomes `….1`, and a new one is begun: two of them are kept at most.
pub(crate) const LOG_FILE_BYTES: u64 = 64 << 20;

/// What the terminal shows without RUST_LOG.
const TERMINAL_FILTER: &str = "warn,herald_fetcher=info,herald_node=info";
/// What files hold without RUST_LOG: the stages of each block as well. Not what the driver says of
/// each input, or a flood of announcements would be a flood of lines.
const FILE_FILTER: &str = "info,herald_node=debug";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TerminalLogs {
    /// Everything.
    All,
    /// What no node's thread logs: the nodes have their files.
    NotOfNodes,
}

/// Starts logging for the whole process. Only the first call has an effect.
pub(crate) fn start(format: LogFormat, terminal: TerminalLogs) {
    let subscriber = Registry::default()
        .with(layer(format, Terminal(terminal), TERMINAL_FILTER))
        .with(layer(format, ThreadFile, FILE_FILTER));
    // It fails when a subscriber is there, as in tests that share a process: then that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn layer<S, W>(format: LogFormat, writer: W, filter: &str) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    }
}

/// The log file of one node. Clones write to the same one.
#[derive(Clone, Debug)]
pub(crate) struct LogFile(Arc<Rotating>);

#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    file: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    written: u64,
}

impl LogFile {
    /// Opens the file, or goes on at its end.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = Mutex::new(Open::at_end(path)?);
        Ok(Self(Arc::new(Rotating { path: path.into(), file })))
    }

    /// Where it is.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// From now on, what this thread logs goes to this file.
    pub(crate) fn enter_thread(&self) {
        THREAD_FILE.set(Some(self.clone()));
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut open = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        if open.written >= LOG_FILE_BYTES {
            let mut old = self.0.path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.0.path, old)?;
            *open = Open::at_end(&self.0.path)?;
        }
        open.file.write_all(bytes)?;
        open.written = open.written.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

impl Open {
    fn at_end(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create(true).open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { file, written })
    }
}

thread_local! {
    static THREAD_FILE: RefCell<Option<LogFile>> = const { RefCell::new(None) };
}

/// Writes to the file of the thread that logs, if it has one.
#[derive(Debug)]
struct ThreadFile;

impl MakeWriter<'_> for ThreadFile {
    type Writer = ThreadFileWriter;

    fn make_writer(&self) -> Self::Writer {
        // A thread that is ending has none left.
        ThreadFileWriter(THREAD_FILE.try_with(|file| file.borrow().clone()).ok().flatten())
    }
}

struct ThreadFileWriter(Option<LogFile>);

impl Write for ThreadFileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &self.0 {
            file.append(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to standard error: standard output belongs to what a command prints.
#[derive(Debug)]
struct Terminal(TerminalLogs);

impl MakeWriter<'_> for Terminal {
    type Writer = Box<dyn Write>;

    fn make_writer(&self) -> Self::Writer {
        let of_node = || THREAD_FILE.try_with(|file| file.borrow().is_some()).unwrap_or(false);
        match self.0 {
            TerminalLogs::NotOfNodes if of_node() => Box::new(io::sink()),
            TerminalLogs::All | TerminalLogs::NotOfNodes => Box::new(io::stderr()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_thread_logs_to_the_file_that_it_entered() {
        let directory = tempfile::tempdir().unwrap();
        let subscriber = Registry::default().with(layer(LogFormat::Text, ThreadFile, "debug"));
        let dispatch = tracing::Dispatch::new(subscriber);
        let threads = ["a", "b"].map(|name| {
            let file = LogFile::open(&directory.path().join(name)).unwrap();
            let dispatch = dispatch.clone();
            std::thread::spawn(move || {
                file.enter_thread();
                tracing::dispatcher::with_default(&dispatch, || tracing::info!(from = name, "hello"));
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        tracing::dispatcher::with_default(&dispatch, || tracing::info!("of nobody"));
        for name in ["a", "b"] {
            let text = std::fs::read_to_string(directory.path().join(name)).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains(&format!("hello from=\"{name}\"")), "{text}");
        }
    }

    #[test]
    fn a_full_file_is_put_aside_and_a_third_is_never_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = LogFile::open(&path).unwrap();
        for round in 0..3 {
            log.0.file.lock().unwrap().written = LOG_FILE_BYTES;
            log.append(format!("line {round}\n").as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line 2\n");
        assert_eq!(std::fs::read_to_string(directory.path().join("log.1")).unwrap(), "line 1\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
