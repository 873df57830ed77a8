//! Scales and the axes that show them.

use super::svg::{Anchor, Area, Svg};

/// How a quantity becomes a position on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    kind: ScaleKind,
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScaleKind {
    Linear,
    Log,
}

impl Scale {
    /// Equal steps are equal lengths, from `from` at `start` to `to` at `end`.
    pub(super) fn linear(from: f64, to: f64, start: f64, end: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { kind: ScaleKind::Linear, from, to, start, end }
    }

    /// Equal factors are equal lengths. `from` is taken as 1 where it is less than that.
    pub(super) fn log(from: f64, to: f64, start: f64, end: f64) -> Self {
        let from = from.max(1.0);
        let to = if to > from { to } else { from * 10.0 };
        Self { kind: ScaleKind::Log, from, to, start, end }
    }

    /// Linear from 0, or, where the smallest of what is shown would be lost on that, logarithmic.
    pub(super) fn fitting(smallest: f64, largest: f64, start: f64, end: f64) -> Self {
        if smallest >= 1.0 && largest > 30.0 * smallest {
            Self::log(smallest * 0.7, largest * 1.2, start, end)
        } else {
            Self::linear(0.0, largest * 1.05, start, end)
        }
    }

    /// Where `value` is; what lies outside is at the end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = match self.kind {
            ScaleKind::Linear => (value - self.from) / (self.to - self.from),
            ScaleKind::Log => {
                libm::log10(value.max(self.from) / self.from) / libm::log10(self.to / self.from)
            }
        };
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// What stands at this share of the way along the axis.
    pub(super) fn value(&self, share: f64) -> f64 {
        match self.kind {
            ScaleKind::Linear => self.from + share * (self.to - self.from),
            ScaleKind::Log => self.from * libm::pow(self.to / self.from, share),
        }
    }

    /// Round values on the axis, about `wanted` of them.
    pub(super) fn ticks(&self, wanted: u32) -> Vec<f64> {
        match self.kind {
            ScaleKind::Linear => self.linear_ticks(wanted),
            ScaleKind::Log => self.log_ticks(wanted),
        }
    }

    fn linear_ticks(&self, wanted: u32) -> Vec<f64> {
        let rough = (self.to - self.from) / f64::from(wanted.max(1));
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(rough);
        let first = libm::ceil(self.from / step) as i64;
        let last = libm::floor(self.to / step) as i64;
        (first..=last.min(first + 50)).map(|count| count as f64 * step).collect()
    }

    fn log_ticks(&self, wanted: u32) -> Vec<f64> {
        let decades = libm::log10(self.to / self.from);
        let factors: &[f64] = if decades * 3.0 <= f64::from(wanted) {
            &[1.0, 2.0, 5.0]
        } else if decades * 2.0 <= f64::from(wanted) {
            &[1.0, 3.0]
        } else {
            &[1.0]
        };
        let first = libm::floor(libm::log10(self.from)) as i32;
        let last = libm::ceil(libm::log10(self.to)) as i32;
        // Where not every power fits, every second or third does.
        let apart = libm::ceil(decades / f64::from(wanted.max(1))).max(1.0) as usize;
        (first..=last)
            .step_by(apart)
            .flat_map(|power| factors.iter().map(move |factor| factor * libm::pow(10.0, f64::from(power))))
            .filter(|tick| (self.from * 0.999..=self.to * 1.001).contains(tick))
            .collect()
    }
}

/// A value in words.
pub(super) type Wording = fn(f64) -> String;

/// Grid lines and labels below `area`.
pub(super) fn below(svg: &mut Svg, area: Area, scale: &Scale, wanted: u32, words: Wording) {
    for tick in scale.ticks(wanted) {
        let x = scale.at(tick);
        svg.line("grid", (x, area.top), (x, area.bottom()));
        svg.text("tick", (x, area.bottom() + 15.0), Anchor::Middle, &words(tick));
    }
}

/// Grid lines and labels at the left of `area`.
pub(super) fn beside(svg: &mut Svg, area: Area, scale: &Scale, wanted: u32, words: Wording) {
    for tick in scale.ticks(wanted) {
        let y = scale.at(tick);
        svg.line("grid", (area.left, y), (area.right(), y));
    }
    labels_beside(svg, area, scale, wanted, words);
}

/// Labels alone, where an area is filled.
pub(super) fn labels_beside(svg: &mut Svg, area: Area, scale: &Scale, wanted: u32, words: Wording) {
    for tick in scale.ticks(wanted) {
        let y = scale.at(tick);
        svg.text("tick", (area.left - 7.0, y + 3.5), Anchor::End, &words(tick));
    }
}

/// Moves labels apart that would stand on one another: `wanted` positions, ascending, come back at least
/// `gap` apart and not beyond `lowest`.
pub(super) fn apart(wanted: &mut [f64], gap: f64, lowest: f64) {
    let mut free = f64::MIN;
    for position in wanted.iter_mut() {
        *position = position.max(free);
        free = *position + gap;
    }
    let mut limit = lowest;
    for position in wanted.iter_mut().rev() {
        *position = position.min(limit);
        limit = *position - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::linear(0.0, 105.0, 0.0, 1.0).ticks(5), [0.0, 50.0, 100.0]);
        assert_eq!(Scale::linear(0.0, 0.0, 0.0, 1.0).ticks(2), [0.0, 0.5, 1.0]);
        assert_eq!(Scale::log(8.0, 220.0, 0.0, 1.0).ticks(6), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(Scale::log(0.0, 0.0, 0.0, 1.0).ticks(1), [1.0, 10.0]);
    }

    #[test]
    fn places_stay_within_the_axis() {
        for scale in [Scale::linear(10.0, 1_000.0, 50.0, 150.0), Scale::log(10.0, 1_000.0, 50.0, 150.0)] {
            assert_eq!(scale.at(10.0), 50.0);
            assert_eq!(scale.at(1_000.0), 150.0);
            assert_eq!(scale.at(0.0), 50.0);
            assert_eq!(scale.at(1e12), 150.0);
            assert!((scale.at(scale.value(0.5)) - 100.0).abs() < 1e-9);
        }
        assert!((Scale::log(10.0, 1_000.0, 50.0, 150.0).at(100.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn labels_move_apart_and_stay_above_the_lowest() {
        let mut positions = [10.0, 11.0, 40.0, 99.0];
        apart(&mut positions, 14.0, 100.0);
        assert_eq!(positions, [10.0, 24.0, 40.0, 99.0]);
        let mut crowded = [98.0, 99.0, 100.0];
        apart(&mut crowded, 14.0, 100.0);
        assert_eq!(crowded, [72.0, 86.0, 100.0]);
    }
}
