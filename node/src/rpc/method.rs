//! A method of JSON-RPC: a name and what answers to it.

use futures::future::BoxFuture;
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::RpcContext;
use super::error::CallError;
use super::params::Arguments;

/// What a call ends with: the result's JSON.
pub(super) type CallResult = Result<Box<RawValue>, CallError>;

/// The JSON of a result.
pub(super) fn json(result: impl Serialize) -> CallResult {
    Ok(to_raw_value(&result)?)
}

/// One method. Each namespace is a module with a table of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    /// Namespace, underscore, and the name in it.
    pub(super) name: &'static str,
    handler: MethodHandler,
}

/// What answers a call, and so where it runs.
#[derive(Clone, Copy, Debug)]
enum MethodHandler {
    Memory(fn(Arguments, &RpcContext) -> CallResult),
    Disk(fn(Arguments, &RpcContext) -> CallResult),
    Waiting(fn(Arguments, &RpcContext) -> BoxFuture<'_, CallResult>),
}

impl Method {
    /// Answers from memory.
    pub(super) const fn memory(
        name: &'static str,
        handler: fn(Arguments, &RpcContext) -> CallResult,
    ) -> Self {
        Self { name, handler: MethodHandler::Memory(handler) }
    }

    /// Reads the disk, on a thread that may block.
    pub(super) const fn disk(name: &'static str, handler: fn(Arguments, &RpcContext) -> CallResult) -> Self {
        Self { name, handler: MethodHandler::Disk(handler) }
    }

    /// Waits for another task.
    pub(super) const fn waiting(
        name: &'static str,
        handler: fn(Arguments, &RpcContext) -> BoxFuture<'_, CallResult>,
    ) -> Self {
        Self { name, handler: MethodHandler::Waiting(handler) }
    }

    pub(super) fn register(self, module: &mut RpcModule<RpcContext>) -> Result<(), RegisterMethodError> {
        match self.handler {
            MethodHandler::Memory(handler) => module
                .register_method(self.name, move |params, context, _| {
                    handler(Arguments::new(&params)?, context)
                })?,
            MethodHandler::Disk(handler) => module
                .register_blocking_method(self.name, move |params, context, _| {
                    handler(Arguments::new(&params)?, &context)
                })?,
            MethodHandler::Waiting(handler) => module
                .register_async_method(self.name, move |params, context, _| async move {
                    handler(Arguments::new(&params)?, &context).await
                })?,
        };
        Ok(())
    }
}
