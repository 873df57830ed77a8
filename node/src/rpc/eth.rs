//! The methods `eth_…`.

use alloy_primitives::{B256, U64};

use super::RpcContext;
use super::block::{Detail, RpcBlock};
use super::error::CallError;
use super::method::{CallResult, Method, json};
use super::params::{Arguments, BlockTag};

pub(super) const METHODS: &[Method] = &[
    Method::memory("eth_chainId", chain_id),
    Method::memory("eth_blockNumber", block_number),
    Method::disk("eth_getBlockByNumber", block_by_number),
    Method::disk("eth_getBlockByHash", block_by_hash),
];

fn chain_id(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    json(U64::from(context.chain_id))
}

fn block_number(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    json(U64::from(context.chain.head().header.number))
}

fn block_by_number(mut arguments: Arguments, context: &RpcContext) -> CallResult {
    let tag = arguments.next::<BlockTag>("block")?;
    let detail = detail(&mut arguments)?;
    arguments.end()?;
    let chain = &context.chain;
    let number = match tag {
        BlockTag::Number(number) => number,
        BlockTag::Earliest => 0,
        // Nothing is pending: blocks are sealed at once from what is known.
        BlockTag::Latest | BlockTag::Pending => return block(context, &chain.head().header.hash(), detail),
        // What the engine makes final, or the depth that the node treats as final.
        BlockTag::Safe | BlockTag::Finalized => chain.finalized(),
    };
    match chain.canonical_hash(number)? {
        Some(hash) => block(context, &hash, detail),
        // Null: there is no such block.
        None => json(()),
    }
}

fn block_by_hash(mut arguments: Arguments, context: &RpcContext) -> CallResult {
    let hash = arguments.next::<B256>("block hash")?;
    let detail = detail(&mut arguments)?;
    arguments.end()?;
    block(context, &hash, detail)
}

fn detail(arguments: &mut Arguments) -> Result<Detail, CallError> {
    let full = arguments.optional("full transactions", false)?;
    Ok(if full { Detail::Full } else { Detail::Hashes })
}

fn block(context: &RpcContext, hash: &B256, detail: Detail) -> CallResult {
    let chain = &context.chain;
    let (Some(block), Some(total)) = (chain.block(hash)?, chain.total_difficulty(hash)?) else {
        return json(());
    };
    json(RpcBlock::new(&block, total, detail)?)
}
