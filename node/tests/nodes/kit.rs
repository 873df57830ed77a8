//! Starting the binary, asking it, and ending it as a user would.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use alloy_primitives::U256;
use herald_chain::genesis::Genesis;
use herald_proto::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH};
use herald_proto::{Block, BlockExt as _, Body, Header, HeaderFields};
use serde_json::{Value, json};

/// Turns a test that would hang into one that fails and says where. Never part of what is tested.
const HANG: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at a condition until it holds.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut looks = HANG.as_millis() / LOOK.as_millis();
    loop {
        if let Some(found) = look() {
            return found;
        }
        looks = looks.checked_sub(1).unwrap_or_else(|| panic!("hung: {what}"));
        std::thread::sleep(LOOK);
    }
}

/// A running binary. Ended when it is dropped.
pub(crate) struct Herald {
    child: Child,
    /// The info file.
    pub(crate) info: Value,
}

impl Herald {
    /// Starts it with these arguments, and waits for its info file.
    pub(crate) fn start<S: AsRef<str>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Self {
        let path = directory.join("info.json");
        let _absent = std::fs::remove_file(&path);
        let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
        command.args(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        command.args(["--info", text(&path)]).env_remove("RUST_LOG");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut herald = Self { child, info: Value::Null };
        herald.info = wait_for("the info file", || {
            assert_eq!(herald.child.try_wait().unwrap(), None, "ended before its info file");
            // Whole and at once: once it is there, it is all there.
            let json = std::fs::read(&path).ok()?;
            Some(serde_json::from_slice(&json).unwrap())
        });
        herald
    }

    /// A node on free ports, with its data below `directory`.
    pub(crate) fn node(directory: &Path, genesis: &Path, more: &[&str]) -> Self {
        let datadir = directory.join("data");
        let fixed = ["node", "--genesis", text(genesis), "--datadir", text(&datadir)];
        let ports = ["--rpc", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"];
        Self::start(directory, fixed.iter().chain(&ports).chain(more).copied())
    }

    pub(crate) fn nodes(&self) -> usize {
        self.info["nodes"].as_array().unwrap().len()
    }

    /// Where node `node` can be dialed.
    pub(crate) fn address(&self, node: usize) -> &str {
        self.info["nodes"][node]["multiaddrs"][0].as_str().unwrap()
    }

    pub(crate) fn log(&self, node: usize) -> String {
        let path = self.info["nodes"][node]["log"].as_str().unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    pub(crate) fn rpc_address(&self, node: usize) -> &str {
        self.info["nodes"][node]["rpc"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    /// Result or error of a call.
    pub(crate) fn call(&self, node: usize, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, body) = post(self.rpc_address(node), &request.to_string(), &[]);
        assert_eq!(status, 200, "{body}");
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        }
    }

    /// Result of a call that must go well.
    pub(crate) fn ask(&self, node: usize, method: &str, params: Value) -> Value {
        self.call(node, method, params).unwrap()
    }

    pub(crate) fn height(&self, node: usize) -> u64 {
        quantity(&self.ask(node, "eth_blockNumber", json!([])))
    }

    /// The hash of the canonical block at `number`, if it is that high.
    pub(crate) fn hash(&self, node: usize, number: u64) -> Option<String> {
        let block = self.ask(node, "eth_getBlockByNumber", json!([format!("{number:#x}"), false]));
        block["hash"].as_str().map(ToOwned::to_owned)
    }

    /// Waits until the head of the node has this hash.
    pub(crate) fn wait_for_head(&self, node: usize, hash: &str) {
        wait_for(&format!("head {hash}"), || {
            let head = self.ask(node, "eth_getBlockByNumber", json!(["latest", false]));
            (head["hash"] == hash).then_some(())
        });
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(&mut self) -> ExitStatus {
        self.signal("-INT")
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn signal(&mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        wait_for("the end of the process", || self.child.try_wait().unwrap())
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the end of the process", || self.child.try_wait().unwrap())
    }
}

impl Drop for Herald {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Status and body of an HTTP request.
pub(crate) fn post(address: &str, body: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = String::from("POST / HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        write!(request, "Host: {address}\r\n").unwrap();
    }
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    write!(request, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    // A server that refuses by the header may have closed before it has read all.
    let _closed = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap();
    u64::from_str_radix(digits, 16).unwrap()
}

/// Exit code and standard error of a run that ends by itself.
pub(crate) fn run_badly<'a>(arguments: impl IntoIterator<Item = &'a str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
    let output = command.args(arguments).env_remove("RUST_LOG").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), error)
}

/// Imports a file into the data directory of a node that does not run.
pub(crate) fn import(directory: &Path, genesis: &Path, file: &Path) {
    let datadir = directory.join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
    command.args(["import", "--datadir", text(&datadir), "--genesis", text(genesis), text(file)]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The blocks of a file.
pub(crate) fn blocks(path: &Path) -> Vec<Block> {
    let bytes = std::fs::read(path).unwrap();
    herald_chain::chainfile::Reader::new(&*bytes).unwrap().map(|entry| entry.unwrap().block).collect()
}

/// A genesis in a file of `directory`, for chains without seals.
pub(crate) fn genesis(directory: &Path) -> (PathBuf, Header) {
    let path = directory.join("genesis.json");
    let json = r#"{"config": {"chainId": 1}, "difficulty": "0x10", "gasLimit": "0x1c9c380",
        "alloc": {}}"#;
    std::fs::write(&path, json).unwrap();
    (path, Genesis::from_json(json).unwrap().header().clone())
}

/// `count` blocks on top of `parent`; `salt` tells branches apart.
pub(crate) fn chain(parent: &Header, count: usize, salt: u8) -> Vec<Block> {
    let mut parent = parent.clone();
    let body = Body::new(Vec::new(), Vec::new(), None);
    let next = |_| {
        let header = Header::new(HeaderFields {
            parent_hash: parent.hash(),
            uncles_hash: EMPTY_UNCLES_HASH,
            transactions_root: EMPTY_ROOT,
            receipts_root: EMPTY_ROOT,
            difficulty: U256::from(16),
            number: parent.number + 1,
            gas_limit: parent.gas_limit,
            timestamp: parent.timestamp + 10,
            extra_data: vec![salt].into(),
            ..HeaderFields::default()
        });
        parent = header.unwrap();
        Block::new(parent.clone(), body.clone())
    };
    (0..count).map(next).collect()
}

pub(crate) fn write(path: &Path, blocks: &[Block]) {
    let bytes: Vec<u8> = blocks.iter().flat_map(Block::encode).collect();
    std::fs::write(path, bytes).unwrap();
}
