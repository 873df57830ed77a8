//! Blocks announced one after the other, by one peer, are fetched and imported in order.

use crate::harness::with_each;
use crate::toy::{ALICE, blocks_on, genesis};

#[test]
fn each_is_fetched_and_imported_before_the_next() {
    with_each(|net| {
        net.connect(&[ALICE]);
        for block in blocks_on(&genesis(), 12) {
            net.announce(ALICE, &block);
            net.fetch(&block);
            net.import(&block);
        }
        assert_eq!(net.head(), 12);
    });
}
