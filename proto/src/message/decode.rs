//! Reading messages.

use alloy_primitives::B256;

use super::{Announcement, HashOrNumber, HeadersRequest, Message, MessageCode, Status};
use crate::block::{Block, BlockExt as _};
use crate::body::Body;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::fork_id::ForkId;
use crate::header::Header;
use crate::limits::Limits;
use crate::rlp::{Item, List};
use crate::transaction::Transaction;

impl Message {
    /// Reads the message with `code` that fills `payload` exactly. Nothing of `payload` is kept
    /// alive.
    ///
    /// # Errors
    /// A code that no message has, a payload that is not one canonical encoding of it, or one
    /// that passes `limits`; the error names the field.
    pub fn decode(code: u8, payload: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let code = MessageCode::from_byte(code)
            .ok_or_else(|| DecodeError::new(DecodeErrorKind::UnknownMessage(code)))?;
        List::decode(payload)
            .and_then(|list| decode_fields(code, list, limits))
            .map_err(|error| error.within(code.name()))
    }
}

fn decode_fields(code: MessageCode, mut list: List<'_>, limits: &Limits) -> Result<Message, DecodeError> {
    let message = match code {
        MessageCode::Status => Message::Status(status(&mut list)?),
        MessageCode::NewBlockHashes => {
            return entries(list, limits.announcements, announcement).map(Message::NewBlockHashes);
        }
        MessageCode::Transactions => {
            return entries(list, limits.transactions, |item| Transaction::from_item(&item))
                .map(Message::Transactions);
        }
        MessageCode::GetBlockHeaders => Message::GetBlockHeaders {
            request_id: list.u64("request_id")?,
            request: headers_request(list.list("request")?, limits)?,
        },
        MessageCode::BlockHeaders => Message::BlockHeaders {
            request_id: list.u64("request_id")?,
            headers: named_entries(&mut list, "headers", limits.headers, |item| Header::decode(item.raw()))?,
        },
        MessageCode::GetBlockBodies => Message::GetBlockBodies {
            request_id: list.u64("request_id")?,
            hashes: named_entries(&mut list, "hashes", limits.bodies, |item| item.fixed())?,
        },
        MessageCode::BlockBodies => Message::BlockBodies {
            request_id: list.u64("request_id")?,
            bodies: named_entries(&mut list, "bodies", limits.bodies, |item| Body::decode(item.raw()))?,
        },
        MessageCode::NewBlock => Message::NewBlock {
            block: Block::decode(list.item("block")?.raw()).map_err(|error| error.within("block"))?,
            total_difficulty: list.u256("total_difficulty")?,
        },
    };
    list.finish()?;
    Ok(message)
}

fn status(list: &mut List<'_>) -> Result<Status, DecodeError> {
    Ok(Status {
        version: list.u64("version")?,
        network_id: list.u64("network_id")?,
        total_difficulty: list.u256("total_difficulty")?,
        head: list.hash("head")?,
        genesis: list.hash("genesis")?,
        fork_id: ForkId::decode(list.list("fork_id")?).map_err(|error| error.within("fork_id"))?,
    })
}

fn announcement(item: Item<'_>) -> Result<Announcement, DecodeError> {
    let mut fields = item.list()?;
    let announcement = Announcement { hash: fields.hash("hash")?, number: fields.u64("number")? };
    fields.finish()?;
    Ok(announcement)
}

fn headers_request(mut fields: List<'_>, limits: &Limits) -> Result<HeadersRequest, DecodeError> {
    let start = fields.item("start")?;
    // A hash is 32 bytes long, and no number is.
    let start = if start.payload().len() == size_of::<B256>() {
        start.fixed().map(HashOrNumber::Hash)
    } else {
        start.u64().map(HashOrNumber::Number)
    };
    let start = start.map_err(|error| error.within("start"))?;
    let limit = fields.u64("limit")?;
    if usize::try_from(limit).map_or(true, |limit| limit > limits.headers) {
        let kind = DecodeErrorKind::TooMany { limit: limits.headers };
        return Err(DecodeError::new(kind).within("limit"));
    }
    let request =
        HeadersRequest { start, limit, skip: fields.u64("skip")?, reverse: fields.bool("reverse")? };
    fields.finish()?;
    Ok(request)
}

fn named_entries<'a, T>(
    list: &mut List<'a>,
    field: &'static str,
    limit: usize,
    read: impl Fn(Item<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let items = list.list(field)?;
    entries(items, limit, read).map_err(|error| error.within(field))
}

/// Counts the entries before it reads the first, so that a list over its limit costs nothing.
fn entries<'a, T>(
    mut list: List<'a>,
    limit: usize,
    read: impl Fn(Item<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut counted = list;
    let mut count = 0;
    while counted.next_item().map_err(|error| error.at(count))?.is_some() {
        if count == limit {
            return Err(DecodeErrorKind::TooMany { limit }.into());
        }
        count += 1;
    }
    let mut values = Vec::with_capacity(count);
    while let Some(item) = list.next_item()? {
        values.push(read(item).map_err(|error| error.at(values.len()))?);
    }
    Ok(values)
}
