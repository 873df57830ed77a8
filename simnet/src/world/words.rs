//! Events and messages in words, as a log says them.

use herald_fetcher::{RequestId, Time};

use crate::model::block::{BlockId, Blocks};
use crate::model::chain::NodeId;
use crate::scenario::{Exit, MemoryKept};

use super::Lists;
use super::event::{Door, Event, Message};
use super::faults;

/// A request's number. The fetcher's own are its serial number above the place that it stands in;
/// the serial number tells them apart.
pub(super) fn number_of(request: RequestId) -> u64 {
    match request.as_u64() >> 32 {
        0 => request.as_u64(),
        serial => serial,
    }
}

/// An event. What stands beside it in the log (node, peer, block) is not said again.
pub(super) fn of_event(
    event: Event,
    faults: &[(Time, faults::Step)],
    blocks: &Blocks,
    lists: &Lists,
) -> String {
    let message = |it| of_message(it, blocks, lists);
    match event {
        Event::Arrive { at: Door::Inside, message: it, .. } => message(it),
        Event::Arrive { at: Door::Downlink, message: it, .. } => format!("{} begins to come in", message(it)),
        Event::Timer { .. } => "timer".into(),
        Event::Verified { .. } => "header checked".into(),
        Event::Imported { .. } => "import done".into(),
        Event::RangeImported { .. } => "import of a range's block done".into(),
        Event::Seal { slot } => format!("slot {slot}: its sealer's turn"),
        Event::Fault { step } => {
            faults.get(step as usize).map_or("fault".into(), |(_, step)| of_fault(*step))
        }
        Event::Gone { .. } => "connection lost".into(),
        Event::Open { .. } => "connection made anew, if both can".into(),
        Event::Wake { .. } => "acts by itself".into(),
        Event::CatchUp { .. } => "looks whether it has fallen behind".into(),
        Event::Later { message: it, .. } => format!("time to send {}, held back so far", message(it)),
        Event::Sample => "figures are taken".into(),
    }
}

fn of_message(message: Message, blocks: &Blocks, lists: &Lists) -> String {
    let reply = |what: &str, request| format!("{what} (reply to #{})", number_of(request));
    match message {
        Message::Announce { block, number } if number != blocks.get(block).number => {
            format!("announcement with number {number}")
        }
        Message::Announce { .. } => "announcement".into(),
        Message::Push { header, body } if header == body => "whole block".into(),
        Message::Push { .. } => "block with another's body".into(),
        Message::GetHeader { request, .. } => format!("header request #{}", number_of(request)),
        Message::GetBody { request, .. } => format!("body request #{}", number_of(request)),
        Message::GetBodies { request, list } => {
            format!("request #{} for {}", number_of(request), bodies(lists.get(list)))
        }
        Message::Header { request, .. } => reply("header", request),
        Message::NoHeader { request } => reply("no header", request),
        Message::Body { request, .. } => reply("body", request),
        Message::Bodies { request, list } => reply(&bodies(lists.get(list)), request),
        Message::Refused { request } => reply("refusal", request),
        Message::Junk { request } => reply("junk", request),
        Message::Oversized { request } => format!("oversized reply to #{}", number_of(request)),
        Message::Status { .. } => "greeting".into(),
        Message::GetRange { .. } => "range request".into(),
        Message::Range { list } => match lists.get(list) {
            [] => "empty range".into(),
            [_] => "range of 1 block".into(),
            many => format!("range of {} blocks", many.len()),
        },
    }
}

fn bodies(list: &[BlockId]) -> String {
    match list {
        [] => "no body".into(),
        [_] => "body".into(),
        [_, _, ..] => format!("{} bodies", list.len()),
    }
}

fn of_fault(step: faults::Step) -> String {
    match step {
        faults::Step::Cut { part } => format!("partition {part} falls"),
        faults::Step::Heal { part } => format!("partition {part} is over"),
        faults::Step::Down { exit: Exit::Closed, .. } => "goes, and closes its connections".into(),
        faults::Step::Down { exit: Exit::Silent, .. } => "goes without a word".into(),
        faults::Step::Up { memory: MemoryKept::Chain, .. } => "comes, with its chain".into(),
        faults::Step::Up { memory: MemoryKept::Nothing, .. } => "comes, with nothing but genesis".into(),
        faults::Step::Spare => "the core is healed for good".into(),
    }
}

/// The node that a fault befalls, where it is one.
pub(super) fn whose_fault(step: u32, faults: &[(Time, faults::Step)]) -> Option<NodeId> {
    match faults.get(step as usize)?.1 {
        faults::Step::Down { node, .. } | faults::Step::Up { node, .. } => Some(node),
        faults::Step::Cut { .. } | faults::Step::Heal { .. } | faults::Step::Spare => None,
    }
}

/// The block that a message is about, where it is one.
pub(super) fn block_of(message: Message, lists: &Lists) -> Option<BlockId> {
    match message {
        Message::Announce { block, .. }
        | Message::Push { header: block, .. }
        | Message::GetHeader { block, .. }
        | Message::GetBody { block, .. }
        | Message::Header { block, .. }
        | Message::Body { block, .. }
        | Message::Status { head: block }
        | Message::GetRange { head: block } => Some(block),
        Message::GetBodies { list, .. } | Message::Bodies { list, .. } | Message::Range { list } => {
            match lists.get(list) {
                [block] => Some(*block),
                _ => None,
            }
        }
        Message::NoHeader { .. }
        | Message::Refused { .. }
        | Message::Junk { .. }
        | Message::Oversized { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block::PeerId;

    const PEER: PeerId = PeerId(0);
    const NODE: NodeId = NodeId(0);
    const BLOCK: BlockId = BlockId::GENESIS;

    fn said(event: Event, lists: &Lists) -> String {
        let blocks = Blocks::new(herald_fetcher::BlockHash::ZERO);
        of_event(event, &[(Time::ZERO, faults::Step::Cut { part: 1 })], &blocks, lists)
    }

    fn inside(message: Message, lists: &Lists) -> String {
        said(Event::Arrive { peer: PEER, epoch: 3, at: Door::Inside, message }, lists)
    }

    #[test]
    fn messages_are_said_in_words() {
        let mut lists = Lists::default();
        let (none, two) = (lists.add(Vec::new()), lists.add(vec![BLOCK, BLOCK]));
        // A number as the fetcher gives them: the twelfth request, in the third place.
        let request = RequestId::new(12 << 32 | 3);
        for (message, words) in [
            (Message::Announce { block: BLOCK, number: 0 }, "announcement"),
            (Message::Announce { block: BLOCK, number: 7 }, "announcement with number 7"),
            (Message::Push { header: BLOCK, body: BLOCK }, "whole block"),
            (Message::Push { header: BLOCK, body: BlockId(1) }, "block with another's body"),
            (Message::GetHeader { request, block: BLOCK }, "header request #12"),
            (Message::GetBody { request, block: BLOCK }, "body request #12"),
            (Message::GetBodies { request, list: two }, "request #12 for 2 bodies"),
            (Message::Header { request, block: BLOCK }, "header (reply to #12)"),
            (Message::NoHeader { request: RequestId::new(5) }, "no header (reply to #5)"),
            (Message::Body { request, block: BLOCK }, "body (reply to #12)"),
            (Message::Bodies { request, list: none }, "no body (reply to #12)"),
            (Message::Bodies { request, list: two }, "2 bodies (reply to #12)"),
            (Message::Refused { request }, "refusal (reply to #12)"),
            (Message::Junk { request }, "junk (reply to #12)"),
            (Message::Oversized { request }, "oversized reply to #12"),
            (Message::Status { head: BLOCK }, "greeting"),
            (Message::GetRange { head: BLOCK }, "range request"),
            (Message::Range { list: two }, "range of 2 blocks"),
        ] {
            assert_eq!(inside(message, &lists), words);
        }
    }

    #[test]
    fn events_are_said_in_words() {
        let lists = Lists::default();
        let message = Message::Push { header: BLOCK, body: BLOCK };
        for (event, words) in [
            (
                Event::Arrive { peer: PEER, epoch: 0, at: Door::Downlink, message },
                "whole block begins to come in",
            ),
            (Event::Later { peer: PEER, message }, "time to send whole block, held back so far"),
            (Event::Timer { node: NODE }, "timer"),
            (Event::Verified { node: NODE, life: 0, block: BLOCK }, "header checked"),
            (Event::Imported { node: NODE, life: 0, block: BLOCK }, "import done"),
            (Event::Seal { slot: 4 }, "slot 4: its sealer's turn"),
            (Event::Fault { step: 0 }, "partition 1 falls"),
            (Event::Gone { peer: PEER, epoch: 0 }, "connection lost"),
        ] {
            assert_eq!(said(event, &lists), words);
        }
    }
}
