//! What tests over real sockets share: small chains, nodes on loopback, and peers that break rules.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod chain;
pub mod hostile;
pub mod node;
pub mod synced;

use std::time::Duration;

/// Turns a test that would hang into one that fails and says where. Never part of what is tested.
pub const HANG: Duration = Duration::from_secs(60);

/// Waits for `future`, and panics with `what` if it hangs.
pub async fn unless_hung<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(HANG, future).await {
        Ok(value) => value,
        Err(_) => panic!("hung: {what}"),
    }
}
