//! The methods `eth_…` and `net_…`.

use alloy_primitives::{B256, U64};
use jsonrpsee::RpcModule;
use jsonrpsee::types::Params;

use super::RpcContext;
use super::block::{Detail, RpcBlock};
use super::error::CallError;
use super::params::{Arguments, BlockTag};

pub(super) fn register(module: &mut RpcModule<RpcContext>) -> Result<(), super::RegisterError> {
    module.register_method("eth_chainId", |params, context, _| {
        Arguments::new(&params)?.end()?;
        Ok::<_, CallError>(U64::from(context.chain_id))
    })?;
    module.register_method("eth_blockNumber", |params, context, _| {
        Arguments::new(&params)?.end()?;
        Ok::<_, CallError>(U64::from(context.chain.head().header.number))
    })?;
    // These read the disk.
    module.register_blocking_method("eth_getBlockByNumber", |params, context, _| {
        block_by_number(&params, &context)
    })?;
    module.register_blocking_method("eth_getBlockByHash", |params, context, _| {
        block_by_hash(&params, &context)
    })?;
    module.register_method("net_peerCount", |params, context, _| {
        Arguments::new(&params)?.end()?;
        Ok::<_, CallError>(U64::from(context.network.peers().len()))
    })?;
    Ok(())
}

fn block_by_number(params: &Params<'_>, context: &RpcContext) -> Result<Option<RpcBlock>, CallError> {
    let mut arguments = Arguments::new(params)?;
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
        None => Ok(None),
    }
}

fn block_by_hash(params: &Params<'_>, context: &RpcContext) -> Result<Option<RpcBlock>, CallError> {
    let mut arguments = Arguments::new(params)?;
    let hash = arguments.next::<B256>("block hash")?;
    let detail = detail(&mut arguments)?;
    arguments.end()?;
    block(context, &hash, detail)
}

fn detail(arguments: &mut Arguments) -> Result<Detail, CallError> {
    let full = arguments.optional("full transactions", false)?;
    Ok(if full { Detail::Full } else { Detail::Hashes })
}

fn block(context: &RpcContext, hash: &B256, detail: Detail) -> Result<Option<RpcBlock>, CallError> {
    let chain = &context.chain;
    let (Some(block), Some(total)) = (chain.block(hash)?, chain.total_difficulty(hash)?) else {
        return Ok(None);
    };
    Ok(Some(RpcBlock::new(&block, total, detail)?))
}
