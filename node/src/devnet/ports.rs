//! Where the nodes answer JSON-RPC.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use thiserror::Error;

/// How many ports that are in use are passed over.
const PASSED_OVER_MAX: usize = 1000;

/// Bound sockets, one for each node.
#[derive(Debug)]
pub(super) struct Ports {
    listeners: Vec<TcpListener>,
    in_use: Vec<u16>,
}

/// There are no ports for the nodes.
#[derive(Clone, Debug, Error)]
pub(crate) enum PortError {
    /// A port cannot be had for another reason than being in use.
    #[error("cannot listen on 127.0.0.1:{port}: {error}; choose another --port, 0 for free ones")]
    Bind {
        /// The port.
        port: u16,
        error: Arc<io::Error>,
    },
    /// Too many are in use.
    #[error("the ports from {first} up are in use; choose another --port, 0 for free ones")]
    NoneFree {
        /// The first that was tried.
        first: u16,
    },
}

impl Ports {
    /// Takes `count` ports from `first` up, passing over those in use; any free ones when it is 0.
    pub(super) fn take(first: u16, count: usize) -> Result<Self, PortError> {
        let mut ports = Self { listeners: Vec::new(), in_use: Vec::new() };
        let mut port = first;
        while ports.listeners.len() < count {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(listener) => ports.listeners.push(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && first != 0 => {
                    ports.in_use.push(port);
                }
                Err(error) => return Err(PortError::Bind { port, error: Arc::new(error) }),
            }
            if first != 0 && ports.listeners.len() < count {
                port = port.checked_add(1).ok_or(PortError::NoneFree { first })?;
            }
            if ports.in_use.len() > PASSED_OVER_MAX {
                return Err(PortError::NoneFree { first });
            }
        }
        Ok(ports)
    }

    /// The socket of a node. It stays bound here as well, so that nobody else gets it.
    pub(super) fn listener(&self, index: usize) -> Result<TcpListener, PortError> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let failed = |error| PortError::Bind { port: 0, error: Arc::new(error) };
        let listener = self.listeners.get(index).ok_or_else(missing).map_err(failed)?;
        listener.try_clone().map_err(failed)
    }

    pub(super) fn in_use(&self) -> Option<String> {
        let (first, last) = (self.in_use.first()?, self.in_use.last()?);
        Some(if first == last {
            format!("port {first} is in use, and was passed over")
        } else {
            format!("{} ports from {first} to {last} are in use, and were passed over", self.in_use.len())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_port_in_use_is_passed_over_and_said() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        if port == u16::MAX {
            return;
        }
        let ports = Ports::take(port, 1).unwrap();
        assert_ne!(ports.listener(0).unwrap().local_addr().unwrap().port(), port);
        assert!(ports.in_use().unwrap().contains(&port.to_string()));
    }

    #[test]
    fn port_zero_takes_a_different_free_one_for_each() {
        let ports = Ports::take(0, 3).unwrap();
        let mut numbers: Vec<u16> =
            (0..3).map(|index| ports.listener(index).unwrap().local_addr().unwrap().port()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((numbers.len(), ports.in_use()), (3, None));
    }

    #[test]
    fn the_last_port_is_the_last() {
        let error = Ports::take(u16::MAX, 2).unwrap_err();
        assert!(matches!(error, PortError::NoneFree { first: u16::MAX }), "{error}");
    }
}
