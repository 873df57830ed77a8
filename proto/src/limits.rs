//! What a message may ask of us.

/// Limits on messages; start from [`Limits::default`] and set fields. Each is checked before memory is set aside, and each breach has its own
/// [`DecodeErrorKind`](crate::DecodeErrorKind) or [`FrameError`](crate::frame::FrameError).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of a frame, code and payload. 10 MiB, as Ethereum's `eth` protocol: the largest
    /// block that its gas limits can pay for fits. Larger lets a peer hold more memory for each
    /// stream; smaller shuts out chains with large blocks.
    pub frame_bytes: usize,
    /// Most entries of NewBlockHashes. 256: as many as the fetcher takes from one peer anyway.
    pub announcements: usize,
    /// Most entries of Transactions. 4096: as many as geth announces at once.
    pub transactions: usize,
    /// Most headers asked for, and given, at once. 1024, as geth serves.
    pub headers: usize,
    /// Most bodies asked for, and given, at once. 1024, as geth serves.
    pub bodies: usize,
    /// A reply ends with the item that passes this many bytes. 2 MiB, as geth serves: enough to
    /// keep a link busy, little enough for many replies at once. Always below `frame_bytes`.
    pub reply_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            frame_bytes: 10 * MIB,
            announcements: 256,
            transactions: 4096,
            headers: 1024,
            bodies: 1024,
            reply_bytes: 2 * MIB,
        }
    }
}
