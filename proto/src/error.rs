//! Why bytes were refused.

use core::fmt;

use thiserror::Error;

/// Bytes that are no value of the type asked for: what is wrong, and in which field.
///
/// One machine word, so that the good path stays cheap; the path is only built for bad input.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<ErrorInner>);

#[derive(Clone, PartialEq, Eq)]
struct ErrorInner {
    kind: DecodeErrorKind,
    /// Innermost first, as the error meets them on its way out.
    path: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Field(&'static str),
    Index(usize),
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends before the item that it announces.
    #[error("the item needs {needed} bytes and {available} are there")]
    Truncated {
        /// Bytes that the item announces, its own length prefix included.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The length prefix is cut, or announces more than memory can address.
    #[error("the item's length prefix is cut off or too large")]
    BadLength,
    /// A length written in a longer way than it needs.
    #[error("the item's length is not written in its shortest form")]
    NonCanonicalLength,
    /// A single byte below 0x80 stands for itself; here it was wrapped.
    #[error("a byte below 0x80 must stand without a length prefix")]
    NonCanonicalByte,
    /// Bytes follow the value.
    #[error("{count} bytes follow the value")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A byte string where a list must be.
    #[error("a byte string where a list must be")]
    ExpectedList,
    /// A list where a byte string must be.
    #[error("a list where a byte string must be")]
    ExpectedString,
    /// An integer with a leading zero byte; zero itself is the empty string.
    #[error("the integer has a leading zero byte")]
    LeadingZero,
    /// An integer wider than its type.
    #[error("the integer has {found} bytes, at most {limit} fit")]
    IntegerTooLarge {
        /// Bytes that the type holds.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field of fixed size with another size.
    #[error("{found} bytes where exactly {expected} must be")]
    WrongLength {
        /// Bytes that the field has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A truth value that is neither 0 nor 1.
    #[error("neither 0 nor 1")]
    NotBool,
    /// The list ends before this field.
    #[error("the list ends before this field")]
    Missing,
    /// The list goes on after its last field.
    #[error("{count} bytes of further items follow the last field")]
    ExcessItems {
        /// Bytes that are too many.
        count: usize,
    },
    /// More entries than the limit, or a request for more.
    #[error("more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Lists nested deeper than anything in a block is.
    #[error("lists nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A typed transaction of one byte or none: its payload is missing.
    #[error("a typed transaction needs its type and a payload")]
    EmptyTransaction,
    /// The first byte of a typed transaction is no type (EIP-2718: 0x00 to 0x7f).
    #[error("0x{0:02x} is no transaction type; types are 0x00 to 0x7f")]
    BadTransactionType(u8),
    /// The type is well formed, but its fields are not known here.
    #[error("the fields of transaction type 0x{0:02x} are not known")]
    UnknownTransactionType(u8),
    /// The `v` of a legacy transaction is none that a signature can have.
    #[error("neither 27, 28 nor 35 plus a chain id of 8 bytes")]
    BadSignatureV,
    /// No message has this code.
    #[error("no message has code 0x{0:02x}")]
    UnknownMessage(u8),
}

impl DecodeError {
    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind) -> Self {
        Self(Box::new(ErrorInner { kind, path: Vec::new() }))
    }

    /// The same error, seen from the structure that has it in `field`.
    #[cold]
    #[must_use]
    pub fn within(mut self, field: &'static str) -> Self {
        self.0.path.push(Segment::Field(field));
        self
    }

    /// The same error, seen from the list that has it in entry `index`.
    #[cold]
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.0.path.push(Segment::Index(index));
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// The innermost named field; empty when the whole input is at fault.
    #[must_use]
    pub fn field(&self) -> &'static str {
        let names = self.0.path.iter().filter_map(|segment| match segment {
            Segment::Field(name) => Some(*name),
            Segment::Index(_) => None,
        });
        names.into_iter().next().unwrap_or("")
    }

    /// The way to the field from outside in, as `block.uncles[1].number`; empty when the whole
    /// input is at fault.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path.iter().rev().fold(String::new(), |mut path, segment| {
            match segment {
                Segment::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
            }
            path
        })
    }
}

impl From<DecodeErrorKind> for DecodeError {
    fn from(kind: DecodeErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        self.0.kind.fmt(f)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError").field("path", &self.path()).field("kind", &self.0.kind).finish()
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_reads_from_outside_in() {
        let error = DecodeError::new(DecodeErrorKind::LeadingZero)
            .within("number")
            .at(1)
            .within("uncles")
            .within("block");
        assert_eq!(error.path(), "block.uncles[1].number");
        assert_eq!(error.field(), "number");
        assert_eq!(error.to_string(), "block.uncles[1].number: the integer has a leading zero byte");
    }

    #[test]
    fn error_is_one_word_so_that_results_stay_small() {
        assert_eq!(size_of::<DecodeError>(), size_of::<usize>());
    }
}
