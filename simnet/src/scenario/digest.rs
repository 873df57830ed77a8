//! Telling scenarios apart by one short text.

use xxhash_rust::xxh3::xxh3_128;

use super::Scenario;

impl Scenario {
    /// Tells scenarios apart: equal for those that differ in nothing but the seed, under the same
    /// version of the simulator.
    pub fn digest(&self) -> String {
        // The derived text has every field there is, so that none can be forgotten here.
        let text = format!("{} {:?}", env!("CARGO_PKG_VERSION"), Self { seed: 0, ..self.clone() });
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_leaves_out_the_seed_alone() {
        let one = Scenario::default();
        assert_eq!(Scenario { seed: 9, ..one.clone() }.digest(), one.digest());
        assert_ne!(Scenario { check_stride: 9, ..one.clone() }.digest(), one.digest());
    }
}
