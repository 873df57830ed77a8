//! What the log says of a block's way.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use herald_fetcher::Admission;

use crate::host::{Host, Manner, full_block, genesis};
use crate::watchdog::run;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_shows_each_step_of_a_block() {
    run(|| async {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        // With one subscriber alone, `tracing` asks that of whichever thread comes first to a place
        // whether it is of interest: another test's, which has none.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let _guard = tracing::subscriber::set_default(subscriber);

        let mut host = Host::new(Manner::AtOnce);
        host.connect(&[1, 2]).await;
        let block = full_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
        host.serve_until_imported(&[&block]).await;
        host.handle.shutdown().await;

        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let hash = block.hash();
        let steps = [
            "asking for a header peer=1 request=".to_owned(),
            "asking for a body peer=1 request=".to_owned(),
            format!("verifying block={hash} number=1"),
            format!("relaying block={hash} number=1 peers=1"),
            format!("importing block={hash} number=1"),
        ];
        let mut rest = text.as_str();
        for step in steps {
            let at =
                rest.find(&step).unwrap_or_else(|| panic!("{step:?} is not in, or out of order in:\n{text}"));
            rest = rest.get(at..).unwrap_or_default();
        }
        // Each output says by its span which input led to it.
        assert!(text.contains(&format!("announced{{peer=1 block={hash} number=1}}: ")), "{text}");
        assert!(text.contains("bodies{peer=1 request="), "{text}");
    });
}
