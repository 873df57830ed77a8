//! Events and messages in words, as a log says them.

use herald_fetcher::{RequestId, Time};

use crate::model::block::{BlockIndex, Blocks};
use crate::model::chain::NodeId;
use crate::scenario::{Exit, MemoryKept};

use super::BlockLists;
use super::event::{ArrivalStage, SimMessage, WorldEvent};
use super::faults;

/// A request's number. The fetcher's own are its serial number above the index of its slot;
/// the serial number tells them apart.
pub(super) fn number_of(request: RequestId) -> u64 {
    match request.as_u64() >> 32 {
        0 => request.as_u64(),
        serial => serial,
    }
}

/// An event. What stands beside it in the log (node, peer, block) is not said again.
pub(super) fn of_event(
    event: WorldEvent,
    faults: &[(Time, faults::FaultStep)],
    blocks: &Blocks,
    lists: &BlockLists,
) -> String {
    let message = |it| of_message(it, blocks, lists);
    match event {
        WorldEvent::Arrive { at: ArrivalStage::Received, message: it, .. } => message(it),
        WorldEvent::Arrive { at: ArrivalStage::AtDownlink, message: it, .. } => {
            format!("{} begins to come in", message(it))
        }
        WorldEvent::Timer { .. } => "timer".into(),
        WorldEvent::Verified { .. } => "header checked".into(),
        WorldEvent::Imported { .. } => "import done".into(),
        WorldEvent::RangeImported { .. } => "import of a range's block done".into(),
        WorldEvent::Seal { slot } => format!("slot {slot}: its sealer's turn"),
        WorldEvent::Fault { step } => {
            faults.get(step as usize).map_or("fault".into(), |(_, step)| of_fault(*step))
        }
        WorldEvent::Gone { .. } => "connection lost".into(),
        WorldEvent::Open { .. } => "connection made anew, if both can".into(),
        WorldEvent::Wake { .. } => "acts by itself".into(),
        WorldEvent::CatchUp { .. } => "looks whether it has fallen behind".into(),
        WorldEvent::Later { message: it, .. } => format!("time to send {}, held back so far", message(it)),
        WorldEvent::Sample => "figures are taken".into(),
    }
}

fn of_message(message: SimMessage, blocks: &Blocks, lists: &BlockLists) -> String {
    let reply = |what: &str, request| format!("{what} (reply to #{})", number_of(request));
    match message {
        SimMessage::Announce { block, number } if number != blocks.get(block).number => {
            format!("announcement with number {number}")
        }
        SimMessage::Announce { .. } => "announcement".into(),
        SimMessage::Push { header, body } if header == body => "whole block".into(),
        SimMessage::Push { .. } => "block with another's body".into(),
        SimMessage::GetHeader { request, .. } => format!("header request #{}", number_of(request)),
        SimMessage::GetBody { request, .. } => format!("body request #{}", number_of(request)),
        SimMessage::GetBodies { request, list } => {
            format!("request #{} for {}", number_of(request), bodies(lists.get(list)))
        }
        SimMessage::Header { request, .. } => reply("header", request),
        SimMessage::NoHeader { request } => reply("no header", request),
        SimMessage::Body { request, .. } => reply("body", request),
        SimMessage::Bodies { request, list } => reply(&bodies(lists.get(list)), request),
        SimMessage::Refused { request } => reply("refusal", request),
        SimMessage::Junk { request } => reply("junk", request),
        SimMessage::Oversized { request } => format!("oversized reply to #{}", number_of(request)),
        SimMessage::Status { .. } => "greeting".into(),
        SimMessage::GetRange { .. } => "range request".into(),
        SimMessage::Range { list } => match lists.get(list) {
            [] => "empty range".into(),
            [_] => "range of 1 block".into(),
            many => format!("range of {} blocks", many.len()),
        },
    }
}

fn bodies(list: &[BlockIndex]) -> String {
    match list {
        [] => "no body".into(),
        [_] => "body".into(),
        [_, _, ..] => format!("{} bodies", list.len()),
    }
}

fn of_fault(step: faults::FaultStep) -> String {
    match step {
        faults::FaultStep::Cut { part } => format!("partition {part} falls"),
        faults::FaultStep::Heal { part } => format!("partition {part} is over"),
        faults::FaultStep::Down { exit: Exit::Closed, .. } => "goes, and closes its connections".into(),
        faults::FaultStep::Down { exit: Exit::Silent, .. } => "goes without a word".into(),
        faults::FaultStep::Up { memory: MemoryKept::Chain, .. } => "comes, with its chain".into(),
        faults::FaultStep::Up { memory: MemoryKept::Nothing, .. } => "comes, with nothing but genesis".into(),
        faults::FaultStep::Spare => "the core is healed for good".into(),
    }
}

/// The node that a fault befalls, where it is one.
pub(super) fn whose_fault(step: u32, faults: &[(Time, faults::FaultStep)]) -> Option<NodeId> {
    match faults.get(step as usize)?.1 {
        faults::FaultStep::Down { node, .. } | faults::FaultStep::Up { node, .. } => Some(node),
        faults::FaultStep::Cut { .. } | faults::FaultStep::Heal { .. } | faults::FaultStep::Spare => None,
    }
}

/// The block that a message is about, where it is one.
pub(super) fn block_of(message: SimMessage, lists: &BlockLists) -> Option<BlockIndex> {
    match message {
        SimMessage::Announce { block, .. }
        | SimMessage::Push { header: block, .. }
        | SimMessage::GetHeader { block, .. }
        | SimMessage::GetBody { block, .. }
        | SimMessage::Header { block, .. }
        | SimMessage::Body { block, .. }
        | SimMessage::Status { head: block }
        | SimMessage::GetRange { head: block } => Some(block),
        SimMessage::GetBodies { list, .. } | SimMessage::Bodies { list, .. } | SimMessage::Range { list } => {
            match lists.get(list) {
                [block] => Some(*block),
                _ => None,
            }
        }
        SimMessage::NoHeader { .. }
        | SimMessage::Refused { .. }
        | SimMessage::Junk { .. }
        | SimMessage::Oversized { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block::PeerId;

    const PEER: PeerId = PeerId(0);
    const NODE: NodeId = NodeId(0);
    const BLOCK: BlockIndex = BlockIndex::GENESIS;

    fn said(event: WorldEvent, lists: &BlockLists) -> String {
        let blocks = Blocks::new(herald_fetcher::BlockHash::ZERO);
        of_event(event, &[(Time::ZERO, faults::FaultStep::Cut { part: 1 })], &blocks, lists)
    }

    fn inside(message: SimMessage, lists: &BlockLists) -> String {
        said(WorldEvent::Arrive { peer: PEER, epoch: 3, at: ArrivalStage::Received, message }, lists)
    }

    #[test]
    fn messages_are_said_in_words() {
        let mut lists = BlockLists::default();
        let (none, two) = (lists.add(Vec::new()), lists.add(vec![BLOCK, BLOCK]));
        // A number as the fetcher gives them: the twelfth request, in slot 3.
        let request = RequestId::new(12 << 32 | 3);
        for (message, words) in [
            (SimMessage::Announce { block: BLOCK, number: 0 }, "announcement"),
            (SimMessage::Announce { block: BLOCK, number: 7 }, "announcement with number 7"),
            (SimMessage::Push { header: BLOCK, body: BLOCK }, "whole block"),
            (SimMessage::Push { header: BLOCK, body: BlockIndex(1) }, "block with another's body"),
            (SimMessage::GetHeader { request, block: BLOCK }, "header request #12"),
            (SimMessage::GetBody { request, block: BLOCK }, "body request #12"),
            (SimMessage::GetBodies { request, list: two }, "request #12 for 2 bodies"),
            (SimMessage::Header { request, block: BLOCK }, "header (reply to #12)"),
            (SimMessage::NoHeader { request: RequestId::new(5) }, "no header (reply to #5)"),
            (SimMessage::Body { request, block: BLOCK }, "body (reply to #12)"),
            (SimMessage::Bodies { request, list: none }, "no body (reply to #12)"),
            (SimMessage::Bodies { request, list: two }, "2 bodies (reply to #12)"),
            (SimMessage::Refused { request }, "refusal (reply to #12)"),
            (SimMessage::Junk { request }, "junk (reply to #12)"),
            (SimMessage::Oversized { request }, "oversized reply to #12"),
            (SimMessage::Status { head: BLOCK }, "greeting"),
            (SimMessage::GetRange { head: BLOCK }, "range request"),
            (SimMessage::Range { list: two }, "range of 2 blocks"),
        ] {
            assert_eq!(inside(message, &lists), words);
        }
    }

    #[test]
    fn events_are_said_in_words() {
        let lists = BlockLists::default();
        let message = SimMessage::Push { header: BLOCK, body: BLOCK };
        for (event, words) in [
            (
                WorldEvent::Arrive { peer: PEER, epoch: 0, at: ArrivalStage::AtDownlink, message },
                "whole block begins to come in",
            ),
            (WorldEvent::Later { peer: PEER, message }, "time to send whole block, held back so far"),
            (WorldEvent::Timer { node: NODE }, "timer"),
            (WorldEvent::Verified { node: NODE, life: 0, block: BLOCK }, "header checked"),
            (WorldEvent::Imported { node: NODE, life: 0, block: BLOCK }, "import done"),
            (WorldEvent::Seal { slot: 4 }, "slot 4: its sealer's turn"),
            (WorldEvent::Fault { step: 0 }, "partition 1 falls"),
            (WorldEvent::Gone { peer: PEER, epoch: 0 }, "connection lost"),
        ] {
            assert_eq!(said(event, &lists), words);
        }
    }
}
