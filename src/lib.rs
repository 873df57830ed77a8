//! The announced-block fetcher.
