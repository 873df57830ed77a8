//! Enums that counters, metrics and logs are made of.

/// Declares an enum without data from one list of its variants and their labels, and with it all
/// that tables of its variants need: `ALL`, `COUNT`, `index` and `label`. A second column can be
/// added, with the method that reads it.
///
/// A macro of our own and not `strum`: the list stays an array, `label` stays `const`, the crate
/// gets no further dependency, and the traits of another crate do not become part of its interface.
macro_rules! labelled_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident => $label:literal, $value:expr;)+
        }
        $(#[$column_meta:meta])*
        pub const fn $column:ident(self) -> $type:ty;
    ) => {
        labelled_enum! {
            $(#[$meta])*
            pub enum $name {
                $($(#[$doc])* $variant => $label;)+
            }
        }

        impl $name {
            $(#[$column_meta])*
            pub const fn $column(self) -> $type {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident => $label:literal;)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// How many there are, for a table with a row for each.
            pub const COUNT: usize = [$($label),+].len();

            /// All of them, in the order of [`index`](Self::index).
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant),+];

            /// The position in [`ALL`](Self::ALL), always below [`COUNT`](Self::COUNT). It may be
            /// another in the next version: what is written down has the label.
            pub const fn index(self) -> usize {
                self as usize
            }

            /// A short name for metrics and logs, in snake case.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

pub(crate) use labelled_enum;

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use crate::output::{Admission, End, Reason, StageName};

    /// `WrongNumber` as `wrong_number`.
    fn snake_case(variant: &str) -> String {
        let mut out = String::new();
        for letter in variant.chars() {
            if letter.is_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.extend(letter.to_lowercase());
        }
        out
    }

    fn assert_table<E: Copy + Debug + PartialEq>(
        all: &[E],
        index: impl Fn(E) -> usize,
        label: impl Fn(E) -> &'static str,
    ) {
        for (at, variant) in all.iter().enumerate() {
            assert_eq!(index(*variant), at, "{variant:?} is counted in another's row");
            assert_eq!(label(*variant), snake_case(&format!("{variant:?}")));
        }
    }

    #[test]
    fn each_variant_has_a_row_and_a_label_of_its_own() {
        assert_table(&Reason::ALL, Reason::index, Reason::label);
        assert_table(&Admission::ALL, Admission::index, Admission::label);
        assert_table(&StageName::ALL, StageName::index, StageName::label);
        assert_table(&End::ALL, End::index, End::label);
    }

    #[test]
    fn a_reason_weighs_something_and_no_more_than_ends_it() {
        for reason in Reason::ALL {
            assert!((1..=Reason::DISCONNECT_AT).contains(&reason.weight()), "{reason:?}");
            // What may befall an honest peer must not cost it the connection at once.
            assert!(!reason.befalls_honest_peers() || reason.weight() < Reason::DISCONNECT_AT);
        }
    }
}
