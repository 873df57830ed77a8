//! Values as the hex of their bytes; read back, they are checked as if a peer had sent them. A block
//! is written by the fetcher's type, as its header and its body.

use alloy_primitives::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::body::Body;
use crate::header::Header;
use crate::transaction::Transaction;

macro_rules! as_bytes {
    ($type:ty, $encode:expr, $decode:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Bytes::from($encode(self)).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $decode(&Bytes::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

as_bytes!(Header, |header: &Header| header.raw().to_vec(), Header::decode);
as_bytes!(Body, Body::encode, Body::decode);
as_bytes!(Transaction, |tx: &Transaction| tx.raw().to_vec(), Transaction::from_bare);
