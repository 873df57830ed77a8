//! Ethereum blocks and wire messages.
