//! Quantities with their units, as a scenario file writes them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

/// A span of time in whole nanoseconds; in a file `"50 ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// Whole milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// Whole seconds.
    pub const fn s(s: u64) -> Self {
        Self::ms(s * 1_000)
    }

    /// In nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// A number of bytes; in a file `"100 KB"` (thousands) or `"1 MiB"` (powers of two).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    /// Thousands of bytes.
    pub const fn kb(kb: u64) -> Self {
        Self(kb * 1_000)
    }

    /// Times 2^20 bytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }
}

/// Bits in a second; in a file `"10 Mbit/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(pub u64);

impl BitRate {
    /// Thousands of bits in a second.
    pub const fn kbit(kbit: u64) -> Self {
        Self(kbit * 1_000)
    }

    /// Millions of bits in a second.
    pub const fn mbit(mbit: u64) -> Self {
        Self::kbit(mbit * 1_000)
    }

    /// How long `bytes` take, rounded up to a whole nanosecond.
    pub const fn time_for(self, bytes: u64) -> u64 {
        // Two gigabytes fit into 64 bits, whose division is several times as fast.
        match bytes.checked_mul(8 * 1_000_000_000) {
            Some(bits) => bits.div_ceil(self.0),
            None => (bytes as u128 * 8 * 1_000_000_000).div_ceil(self.0 as u128) as u64,
        }
    }
}

/// A text that is no quantity of the wanted kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum UnitError {
    /// It does not begin with a decimal number.
    #[error("\"{text}\" does not begin with a plain decimal number; write it like \"{example}\"")]
    Number {
        /// The text, its beginning where it is long.
        text: String,
        example: &'static str,
    },
    /// A number and nothing else.
    #[error("\"{text}\" has no unit; write it like \"{example}\" (units: {})", allowed.join(", "))]
    NoUnit { text: String, example: &'static str, allowed: Vec<&'static str> },
    /// A unit that is none, or one of another kind.
    #[error("\"{unit}\" is not a unit here; use one of {}, as in \"{example}\"", allowed.join(", "))]
    UnknownUnit { unit: String, example: &'static str, allowed: Vec<&'static str> },
    /// Not a whole number of the smallest unit.
    #[error("\"{text}\" is finer than 1 {smallest}; give fewer decimals")]
    TooFine {
        text: String,
        /// The smallest unit.
        smallest: &'static str,
    },
    /// More than 64 bits of the smallest unit hold.
    #[error("\"{text}\" is more than can be counted; give a smaller one")]
    TooLarge { text: String },
}

/// How one kind of quantity is written.
struct Notation {
    /// What it is called in a message.
    what: &'static str,
    example: &'static str,
    /// Units and how much of the smallest they are; the smallest first.
    units: &'static [(&'static str, u64)],
    /// How it is printed.
    style: Style,
}

enum Style {
    /// In the largest unit that it reaches, with decimals: all units are powers of ten of the
    /// smallest, apart from those that are only used for whole numbers of them.
    Decimal {
        /// How many of the units are powers of ten.
        powers: usize,
    },
    /// As a whole number of the largest unit that divides it.
    Whole,
}

const SPAN: Notation = Notation {
    what: "a span of time",
    example: "50 ms",
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ],
    style: Style::Decimal { powers: 4 },
};

const SIZE: Notation = Notation {
    what: "a number of bytes",
    example: "60 KB",
    units: &[
        ("B", 1),
        ("KB", 1_000),
        ("KiB", 1 << 10),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
        ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
    ],
    style: Style::Whole,
};

const RATE: Notation = Notation {
    what: "a rate",
    example: "10 Mbit/s",
    units: &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)],
    style: Style::Decimal { powers: 4 },
};

/// Longer texts are refused unread, so that every number fits into 128 bits while it is worked out.
const TEXT_MAX: usize = 40;
/// No unit has more decimals than this.
const DECIMALS_MAX: usize = 13;

impl Notation {
    fn parse(&self, text: &str) -> Result<u64, UnitError> {
        let shown = || text.chars().take(TEXT_MAX).collect::<String>();
        let no_number = || UnitError::Number { text: shown(), example: self.example };
        if text.len() > TEXT_MAX {
            return Err(no_number());
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || decimals.is_empty() || decimals.contains('.') {
            return Err(no_number());
        }
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let scale = self.scale(unit, shown)?;
        let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
        let too_fine = || UnitError::TooFine { text: shown(), smallest: self.smallest() };
        if decimals.len() > DECIMALS_MAX {
            return Err(too_fine());
        }
        if whole.len() > 20 {
            return Err(UnitError::TooLarge { text: shown() });
        }
        // At most 33 digits, all of them digits: below 2^110, so that no step overflows 128 bits
        // but the last product, which is checked.
        let digits = whole.chars().chain(decimals.chars());
        let number = digits.fold(0_u128, |sum, digit| sum * 10 + u128::from(digit.to_digit(10).unwrap_or(0)));
        let divisor = (0..decimals.len()).fold(1_u128, |power, _| power * 10);
        let scaled = number.checked_mul(u128::from(scale)).ok_or(UnitError::TooLarge { text: shown() })?;
        if !scaled.is_multiple_of(divisor) {
            return Err(too_fine());
        }
        u64::try_from(scaled / divisor).map_err(|_| UnitError::TooLarge { text: shown() })
    }

    fn scale(&self, unit: &str, shown: impl Fn() -> String) -> Result<u64, UnitError> {
        if let Some((_, scale)) = self.units.iter().find(|(name, _)| *name == unit) {
            return Ok(*scale);
        }
        let (example, allowed) = (self.example, self.units.iter().map(|(name, _)| *name).collect());
        Err(match unit.is_empty() {
            true => UnitError::NoUnit { text: shown(), example, allowed },
            false => UnitError::UnknownUnit { unit: unit.to_owned(), example, allowed },
        })
    }

    fn smallest(&self) -> &'static str {
        self.units.first().map_or("", |(name, _)| name)
    }

    /// The shortest exact way to write it: what [`parse`](Self::parse) reads back.
    fn print(&self, value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |(_, scale): &&(&str, u64)| value.is_multiple_of(*scale);
        let (candidates, wholes) = match self.style {
            Style::Decimal { powers } => self.units.split_at(powers),
            Style::Whole => ([].as_slice(), self.units),
        };
        if value == 0 {
            return f.pad(&format!("0 {}", self.smallest()));
        }
        if let Some((unit, scale)) = wholes.iter().rev().find(divides) {
            return f.pad(&format!("{} {unit}", value / scale));
        }
        let (unit, scale) =
            candidates.iter().rev().find(|(_, scale)| value >= *scale).copied().unwrap_or(("", 1));
        let (whole, rest) = (value / scale, value % scale);
        if rest == 0 {
            return f.pad(&format!("{whole} {unit}"));
        }
        let width = scale.ilog10() as usize;
        let decimals = format!("{rest:0width$}");
        f.pad(&format!("{whole}.{} {unit}", decimals.trim_end_matches('0')))
    }
}

/// Reads a quantity from a string, and says what it would have liked to see.
struct Text(&'static Notation);

impl Visitor<'_> for Text {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with its unit, such as \"{}\"", self.0.what, self.0.example)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        self.0.parse(text).map_err(E::custom)
    }
}

macro_rules! written_with_units {
    ($($quantity:ident, $notation:ident;)*) => {$(
        impl FromStr for $quantity {
            type Err = UnitError;

            fn from_str(text: &str) -> Result<Self, UnitError> {
                $notation.parse(text).map(Self)
            }
        }

        impl fmt::Display for $quantity {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $notation.print(self.0, f)
            }
        }

        impl Serialize for $quantity {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $quantity {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(&$notation)).map(Self)
            }
        }
    )*};
}

written_with_units! {
    Span, SPAN;
    Size, SIZE;
    BitRate, RATE;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_exact() {
        let spans = [
            ("50 ms", 50_000_000),
            ("13.3 s", 13_300_000_000),
            ("2 min", 120_000_000_000),
            ("250 us", 250_000),
            ("10 ns", 10),
            ("0 s", 0),
            ("0.000000001 s", 1),
            ("1.5h", 5_400_000_000_000),
            ("18446744073709551615 ns", u64::MAX),
        ];
        for (text, nanos) in spans {
            assert_eq!(text.parse::<Span>().unwrap().0, nanos, "{text}");
        }
        for (text, bytes) in [("60 KB", 60_000), ("1 MiB", 1 << 20), ("600 B", 600), ("1.5 KiB", 1_536)] {
            assert_eq!(text.parse::<Size>().unwrap().0, bytes, "{text}");
        }
        for (text, rate) in
            [("10 Mbit/s", 10_000_000), ("1 Gbit/s", 1_000_000_000), ("5.8 Mbit/s", 5_800_000)]
        {
            assert_eq!(text.parse::<BitRate>().unwrap().0, rate, "{text}");
        }
    }

    #[test]
    fn printing_is_short() {
        for text in ["50 ms", "13.3 s", "2 min", "250 us", "90 s", "1 h", "0 ns", "1.000000001 s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["60 KB", "1 MiB", "547 B", "24 MiB", "1 KiB", "2 GB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        for text in ["19.2 Mbit/s", "1 Gbit/s", "999 bit/s"] {
            assert_eq!(text.parse::<BitRate>().unwrap().to_string(), text);
        }
        assert_eq!(format!("{:>8}", Span::ms(5)), "    5 ms");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |text: &str| text.parse::<Span>().unwrap_err().to_string();
        assert_eq!(
            message("50"),
            "\"50\" has no unit; write it like \"50 ms\" (units: ns, us, ms, s, min, h)"
        );
        assert_eq!(
            message("50 KB"),
            "\"KB\" is not a unit here; use one of ns, us, ms, s, min, h, as in \"50 ms\""
        );
        assert_eq!(message("0.5 ns"), "\"0.5 ns\" is finer than 1 ns; give fewer decimals");
        for text in ["", "ms", "-5 ms", ".5 s", "5. s", "1.2.3 s", "1e3 s", &"9".repeat(50)] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(
                matches!(error, UnitError::Number { .. } | UnitError::UnknownUnit { .. }),
                "{text}: {error:?}"
            );
        }
        for text in ["18446744073709551616 ns", "999999999999999999999 h", "5200000 h"] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(matches!(error, UnitError::TooLarge { .. }), "{text}: {error:?}");
        }
    }

    #[test]
    fn transfer_times_round_up() {
        assert_eq!(BitRate::mbit(8).time_for(1), 1_000);
        assert_eq!(BitRate(3).time_for(1), 2_666_666_667);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(raw in any::<u64>(), shift in 0_u32..64, tens in 0_u32..12) {
            let value = (raw >> shift).saturating_mul(10_u64.pow(tens));
            prop_assert_eq!(Span(value).to_string().parse::<Span>().unwrap(), Span(value));
            prop_assert_eq!(Size(value).to_string().parse::<Size>().unwrap(), Size(value));
            prop_assert_eq!(BitRate(value).to_string().parse::<BitRate>().unwrap(), BitRate(value));
        }

        #[test]
        fn no_text_panics(text in "[0-9. a-zA-Z/]{0,45}|.{0,50}") {
            let _ = (text.parse::<Span>(), text.parse::<Size>(), text.parse::<BitRate>());
        }
    }
}
