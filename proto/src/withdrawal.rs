//! Withdrawals (EIP-4895).

use alloy_primitives::Address;

use crate::error::DecodeError;
use crate::rlp::{Item, ListEncoder};

/// Stake that the consensus layer pays out in a block (EIP-4895).
///
/// Closed on purpose: EIP-4895 fixes the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// Counts all withdrawals of the chain.
    pub index: u64,
    /// The validator whose stake it is.
    pub validator_index: u64,
    /// Who receives it.
    pub address: Address,
    /// How much, in gwei.
    pub amount: u64,
}

impl Withdrawal {
    /// Reads `[index, validatorIndex, address, amount]`.
    pub(crate) fn decode(item: &Item<'_>) -> Result<Self, DecodeError> {
        let mut list = item.list()?;
        let withdrawal = Self {
            index: list.u64("index")?,
            validator_index: list.u64("validator_index")?,
            address: list.address("address")?,
            amount: list.u64("amount")?,
        };
        list.finish()?;
        Ok(withdrawal)
    }

    /// The encoding, which is also the value in the trie of withdrawals.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut fields = ListEncoder::with_capacity(64);
        fields.u64(self.index).u64(self.validator_index).bytes(self.address.as_slice()).u64(self.amount);
        fields.finish()
    }
}
