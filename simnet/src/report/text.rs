//! Figures and names as a reader wants them: units, three digits, nothing that HTML would misread.

use crate::measure::NEVER;

/// `text` with everything escaped that means something in HTML, also inside an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML, and so SVG, cannot hold other control characters, escaped or not.
            control if control.is_control() && !matches!(control, '\n' | '\t') => safe.push('\u{fffd}'),
            plain => safe.push(plain),
        }
    }
    safe
}

/// A span of nanoseconds, in three digits; "never" for [`NEVER`].
pub(super) fn time(nanos: u64) -> String {
    let value = nanos as f64;
    match nanos {
        NEVER => "never".to_owned(),
        0 => "0".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        1_000..999_500 => format!("{} µs", digits(value / 1e3)),
        999_500..999_500_000 => format!("{} ms", digits(value / 1e6)),
        _ => format!("{} s", digits(value / 1e9)),
    }
}

/// A number of bytes, in three digits and thousands.
pub(super) fn bytes(bytes: f64) -> String {
    if bytes < 999.5 {
        format!("{} B", digits(bytes))
    } else if bytes < 999_500.0 {
        format!("{} KB", digits(bytes / 1e3))
    } else if bytes < 999_500_000.0 {
        format!("{} MB", digits(bytes / 1e6))
    } else {
        format!("{} GB", digits(bytes / 1e9))
    }
}

/// A count in three digits, for labels.
pub(super) fn short_count(count: u64) -> String {
    let value = count as f64;
    match count {
        0..10_000 => grouped(count),
        10_000..999_500 => format!("{} k", digits(value / 1e3)),
        999_500..999_500_000 => format!("{} M", digits(value / 1e6)),
        _ => format!("{} G", digits(value / 1e9)),
    }
}

/// A count in full, its digits in groups of three.
pub(super) fn grouped(count: u64) -> String {
    let plain = count.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How often one goes into the other: "1.04 ×".
pub(super) fn times(ratio: f64) -> String {
    format!("{}×", digits(ratio))
}

/// A part of a whole, rounded towards zero, so that what is not all never reads as 100 %.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = (u128::from(part) * 10_000 / u128::from(whole)) as u64;
    if hundredths.is_multiple_of(100) {
        format!("{} %", hundredths / 100)
    } else {
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// Three digits, without zeros at the end.
pub(super) fn digits(value: f64) -> String {
    let text = if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        return format!("{value:.0}");
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let cases = [
            (0, "0"),
            (999, "999 ns"),
            (1_500, "1.5 µs"),
            (1_000_000, "1 ms"),
            (12_345_678, "12.3 ms"),
            (999_499_999, "999 ms"),
            (999_500_000, "1 s"),
            (13_300_000_000, "13.3 s"),
            (400_000_000_000, "400 s"),
            (NEVER, "never"),
        ];
        for (nanos, wanted) in cases {
            assert_eq!(time(nanos), wanted);
        }
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(60_000.0), "60 KB");
        assert_eq!(bytes(1_234_567.0), "1.23 MB");
        assert_eq!(short_count(9_999), "9,999");
        assert_eq!(short_count(1_234_567), "1.23 M");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(times(1.037), "1.04×");
    }

    #[test]
    fn what_is_not_all_is_not_100_percent() {
        assert_eq!(percent(99_999, 100_000), "99.99 %");
        assert_eq!(percent(100_000, 100_000), "100 %");
        assert_eq!(percent(1, 2), "50 %");
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn nothing_outside_becomes_markup() {
        assert_eq!(escape("<b a=\"'&'\">\u{1}"), "&lt;b a=&quot;&#39;&amp;&#39;&quot;&gt;\u{fffd}");
    }
}
