//! Virtual time: the queue of events, the generators of randomness, and the trace's hash.
