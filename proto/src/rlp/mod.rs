//! Strict RLP over the `rlp` crate. No other module or package of the workspace uses that crate.
//!
//! `rlp` reads leniently: a list longer than its input is an empty list, a cut last item and
//! trailing bytes pass in silence. Here one rule holds everywhere: **a value decodes from exactly
//! one sequence of bytes.** Lengths are in their shortest form and lie inside the input, items
//! cover their list to the last byte, integers have no leading zero, nothing follows the value.
//! Nothing is allocated by reading.

mod decode;
mod encode;

pub use decode::{Item, ItemKind, List, MAX_DEPTH};
pub use encode::{ListEncoder, append_list_header, append_string, list_header_len, string_len};

/// The empty list's encoding.
pub const EMPTY_LIST: u8 = 0xc0;
/// The empty string's encoding, which is also zero's.
pub const EMPTY_STRING: u8 = 0x80;
