//! SVG as it is needed here: shapes whose looks are CSS classes, so that the style sheet alone knows
//! colours, and both schemes, light and dark, come out of one drawing.

use std::fmt::Write as _;

use super::super::text::escape;

/// A drawing in the making.
#[derive(Debug)]
pub(super) struct Svg {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// Which end of a text its position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Where something is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn right(self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.top + self.height
    }
}

impl Svg {
    /// `title` is what is read out in its place.
    pub(super) fn new(title: &str, width: f64, height: f64) -> Self {
        Self { width, height, title: escape(title), body: String::new() }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1)
        ));
    }

    /// `hint` shows when the pointer rests on it; may be empty.
    pub(super) fn rect(&mut self, class: &str, area: Area, hint: &str) {
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            number(area.left),
            number(area.top),
            number(area.width.max(0.0)),
            number(area.height.max(0.0))
        ));
        self.close("rect", hint);
    }

    pub(super) fn dot(&mut self, class: &str, at: (f64, f64), radius: f64) {
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
            number(at.0),
            number(at.1),
            number(radius)
        ));
    }

    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            number(at.0),
            number(at.1),
            escape(text)
        ));
    }

    /// `hint` shows when the pointer rests on it; may be empty.
    pub(super) fn path(&mut self, class: &str, path: &Path, hint: &str) {
        self.push(format_args!("<path class=\"{class}\" d=\"{}\"", path.0));
        self.close("path", hint);
    }

    pub(super) fn finish(self) -> String {
        let Self { width, height, title, body } = self;
        format!(
            "<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {} {}\" \
             xmlns=\"http://www.w3.org/2000/svg\"><title>{title}</title>\n{body}</svg>\n",
            number(width),
            number(height)
        )
    }

    fn close(&mut self, element: &str, hint: &str) {
        if hint.is_empty() {
            self.body.push_str("/>\n");
        } else {
            self.push(format_args!("><title>{}</title></{element}>", escape(hint)));
            self.body.push('\n');
        }
    }

    fn push(&mut self, markup: std::fmt::Arguments<'_>) {
        self.body.write_fmt(markup).expect("a String takes all that is written");
    }
}

/// What a path's `d` says.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    pub(super) fn move_to(&mut self, x: f64, y: f64) {
        self.command('M', &[x, y]);
    }

    pub(super) fn line_to(&mut self, x: f64, y: f64) {
        self.command('L', &[x, y]);
    }

    /// First across, then up or down: how a share that changes at moments is drawn.
    pub(super) fn step_to(&mut self, x: f64, y: f64) {
        self.across_to(x);
        self.up_to(y);
    }

    pub(super) fn across_to(&mut self, x: f64) {
        self.command('H', &[x]);
    }

    pub(super) fn up_to(&mut self, y: f64) {
        self.command('V', &[y]);
    }

    pub(super) fn close(&mut self) {
        self.0.push('Z');
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn command(&mut self, letter: char, values: &[f64]) {
        self.0.push(letter);
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.0.push(' ');
            }
            self.0.push_str(&number(*value));
        }
    }
}

/// A length in tenths, the least that the eye can tell; never what is not a number.
fn number(value: f64) -> String {
    // The cast takes what is not a number to 0, and what is too large to the ends.
    let tenths = (value * 10.0).round() as i64;
    let (sign, tenths) = if tenths < 0 { ("-", tenths.unsigned_abs()) } else { ("", tenths.unsigned_abs()) };
    match tenths % 10 {
        0 => format!("{sign}{}", tenths / 10),
        tenth => format!("{sign}{}.{tenth}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_always_numbers() {
        for (value, wanted) in [(1.0, "1"), (-0.04, "0"), (-1.25, "-1.3"), (10.55, "10.6"), (f64::NAN, "0")] {
            assert_eq!(number(value), wanted);
        }
        assert!(!number(f64::INFINITY).contains("inf"));
    }

    #[test]
    fn texts_and_hints_are_escaped() {
        let mut svg = Svg::new("a < b", 10.0, 10.0);
        svg.text("t", (0.0, 0.0), Anchor::Start, "<script>");
        svg.rect("r", Area { left: 0.0, top: 0.0, width: 1.0, height: 1.0 }, "\"&\"");
        let drawn = svg.finish();
        assert!(drawn.contains("&lt;script&gt;"), "{drawn}");
        assert!(drawn.contains("<title>&quot;&amp;&quot;</title>"), "{drawn}");
        assert!(drawn.contains("aria-label=\"a &lt; b\""), "{drawn}");
    }
}
