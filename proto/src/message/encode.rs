//! Writing messages.

use super::{Announcement, HashOrNumber, HeadersRequest, Message, Status};
use crate::block::BlockExt as _;
use crate::frame;
use crate::rlp::ListEncoder;

impl Message {
    /// The payload, without the code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut list = ListEncoder::with_capacity(self.capacity_hint());
        match self {
            Self::Status(status) => status.append(&mut list),
            Self::NewBlockHashes(announcements) => {
                for announcement in announcements {
                    announcement.append(&mut list);
                }
            }
            Self::Transactions(transactions) => {
                for transaction in transactions {
                    transaction.append_to(&mut list);
                }
            }
            Self::GetBlockHeaders { request_id, request } => {
                list.u64(*request_id).list(|fields| request.append(fields));
            }
            Self::BlockHeaders { request_id, headers } => {
                list.u64(*request_id).list(|items| {
                    for header in headers {
                        items.raw(header.raw());
                    }
                });
            }
            Self::GetBlockBodies { request_id, hashes } => {
                list.u64(*request_id).list(|items| {
                    for hash in hashes {
                        items.bytes(hash.as_slice());
                    }
                });
            }
            Self::BlockBodies { request_id, bodies } => {
                list.u64(*request_id).list(|items| {
                    for body in bodies {
                        items.list(|lists| {
                            lists.raw(body.raw_lists());
                        });
                    }
                });
            }
            Self::NewBlock { block, total_difficulty } => {
                list.list(|parts| {
                    parts.raw(block.header.raw()).raw(block.body.raw_lists());
                });
                list.u256(*total_difficulty);
            }
        }
        list.finish()
    }

    /// The whole frame: length, code, payload.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        frame::encode(self.code(), &self.encode())
    }

    /// About as many bytes as the payload takes, so that large ones are not copied as they grow.
    fn capacity_hint(&self) -> usize {
        const AROUND: usize = 128;
        const ANNOUNCEMENT: usize = 44;
        const HASH: usize = 33;
        let items: usize = match self {
            Self::Status(_) | Self::GetBlockHeaders { .. } => 0,
            Self::NewBlockHashes(announcements) => announcements.len() * ANNOUNCEMENT,
            Self::Transactions(transactions) => {
                transactions.iter().map(|transaction| transaction.item_len()).sum()
            }
            Self::BlockHeaders { headers, .. } => headers.iter().map(|header| header.raw().len()).sum(),
            Self::GetBlockBodies { hashes, .. } => hashes.len() * HASH,
            Self::BlockBodies { bodies, .. } => bodies.iter().map(|body| body.encoded_len()).sum(),
            Self::NewBlock { block, .. } => block.encoded_len(),
        };
        AROUND + items
    }
}

impl Status {
    fn append(&self, fields: &mut ListEncoder) {
        fields
            .u64(self.version)
            .u64(self.network_id)
            .u256(self.total_difficulty)
            .bytes(self.head.as_slice())
            .bytes(self.genesis.as_slice());
        self.fork_id.append(fields);
    }
}

impl Announcement {
    fn append(&self, list: &mut ListEncoder) {
        list.list(|fields| {
            fields.bytes(self.hash.as_slice()).u64(self.number);
        });
    }
}

impl HeadersRequest {
    fn append(&self, fields: &mut ListEncoder) {
        match &self.start {
            HashOrNumber::Hash(hash) => fields.bytes(hash.as_slice()),
            HashOrNumber::Number(number) => fields.u64(*number),
        };
        fields.u64(self.limit).u64(self.skip).bool(self.reverse);
    }
}
