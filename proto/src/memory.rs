//! What values keep in use on the heap, so that a fetcher's byte caps mean what they say.

/// A reference-counted value: the two counts, then the value.
pub(crate) const fn arc<T>() -> usize {
    2 * size_of::<usize>() + size_of::<T>()
}

/// Bytes that slices may share: the buffer, and the three words that `bytes` keeps beside it once
/// it is shared (pointer, capacity, count).
pub(crate) const fn shared_bytes(buffer: &[u8]) -> usize {
    if buffer.is_empty() { 0 } else { buffer.len() + 3 * size_of::<usize>() }
}

/// A slice that is only counted when it does not lie in `buffer`, which is counted already.
pub(crate) fn slice_unless_within(slice: &[u8], buffer: &[u8]) -> usize {
    let inside = buffer.as_ptr_range().contains(&slice.as_ptr());
    if inside { 0 } else { shared_bytes(slice) }
}
