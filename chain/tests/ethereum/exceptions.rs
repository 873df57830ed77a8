//! The names that Ethereum's tests have for what is wrong with a block, and ours.

/// What a refusal is called here.
///
/// A rule's label; `uncles: ` and the label where an uncle's header breaks it; `format` where the
/// bytes are no block; `unknown parent`.
pub(crate) const BY_HEADER: &[(&str, &[&str])] = &[
    ("BlockException.EXTRA_DATA_INVALID_DAO", &["dao extra data"]),
    ("BlockException.EXTRA_DATA_TOO_BIG", &["extra data"]),
    ("BlockException.GAS_USED_OVERFLOW", &["gas used"]),
    ("BlockException.GASLIMIT_TOO_BIG", &["gas limit"]),
    ("BlockException.IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", &["difficulty"]),
    ("BlockException.IMPORT_IMPOSSIBLE_LEGACY", &["fork fields"]),
    // Of a block or of an uncle: no base fee on a London parent, or one on a Berlin parent.
    ("BlockException.IMPORT_IMPOSSIBLE_LEGACY_WRONG_PARENT", &["fork fields", "uncles: fork fields"]),
    ("BlockException.IMPORT_IMPOSSIBLE_LONDON_OVER_PARIS", &["difficulty"]),
    ("BlockException.IMPORT_IMPOSSIBLE_LONDON_WRONG_PARENT", &["fork fields", "uncles: fork fields"]),
    ("BlockException.IMPORT_IMPOSSIBLE_PARIS_OVER_SHANGHAI", &["fork fields"]),
    ("BlockException.IMPORT_IMPOSSIBLE_PARIS_WRONG_POS", &["merge"]),
    ("BlockException.IMPORT_IMPOSSIBLE_PARIS_WRONG_POW", &["difficulty"]),
    ("BlockException.IMPORT_IMPOSSIBLE_SHANGHAI", &["fork fields"]),
    ("BlockException.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", &["merge"]),
    ("BlockException.INCORRECT_BLOCK_FORMAT", &["format", "fork fields"]),
    ("BlockException.INCORRECT_BLOB_GAS_USED", &["blob gas"]),
    ("BlockException.INCORRECT_EXCESS_BLOB_GAS", &["excess blob gas"]),
    ("BlockException.BLOB_GAS_USED_ABOVE_LIMIT", &["blob gas"]),
    ("BlockException.INVALID_BASEFEE_PER_GAS", &["base fee"]),
    ("BlockException.INVALID_BLOCK_NUMBER", &["number"]),
    ("BlockException.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", &["time"]),
    ("BlockException.INVALID_DIFFICULTY", &["difficulty"]),
    ("BlockException.INVALID_GASLIMIT", &["gas limit"]),
    ("BlockException.INVALID_GAS_USED_ABOVE_LIMIT", &["gas used"]),
    ("BlockException.INVALID_TRANSACTIONS_ROOT", &["body root"]),
    ("BlockException.INVALID_UNCLES_HASH", &["body root"]),
    ("BlockException.INVALID_WITHDRAWALS_ROOT", &["body root"]),
    ("BlockException.RLP_INVALID_ADDRESS", &["format"]),
    ("BlockException.RLP_INVALID_FIELD_OVERFLOW_64", &["format"]),
    ("BlockException.RLP_STRUCTURES_ENCODING", &["format"]),
    ("BlockException.RLP_WITHDRAWALS_NOT_READ", &["format", "withdrawals"]),
    ("BlockException.TOO_MANY_UNCLES", &["uncles"]),
    ("BlockException.UNCLE_IN_CHAIN", &["uncles"]),
    ("BlockException.UNCLE_IS_ANCESTOR", &["uncles"]),
    ("BlockException.UNCLE_IS_BROTHER", &["uncles"]),
    ("BlockException.UNCLE_PARENT_INCORRECT", &["uncles"]),
    ("BlockException.UNCLE_UNKNOWN_PARENT", &["uncles"]),
    ("BlockException.UNKNOWN_PARENT", &["unknown parent"]),
    ("BlockException.UNKNOWN_PARENT_ZERO", &["unknown parent"]),
];

/// Names of what only execution shows, and why. Such a block is not given to the chain at all.
pub(crate) const BY_EXECUTION: &[(&str, &str)] = &[
    ("BlockException.INVALID_GAS_USED", "gas used is what execution uses"),
    ("BlockException.INVALID_LOG_BLOOM", "the bloom is over the logs that execution writes"),
    ("BlockException.INVALID_RECEIPTS_ROOT", "receipts are what execution leaves"),
    ("BlockException.INVALID_REQUESTS", "requests are what execution leaves"),
    ("BlockException.INVALID_STATE_ROOT", "the state is what execution leaves"),
    ("TransactionException.GAS_ALLOWANCE_EXCEEDED", "gas left in the block depends on what came before"),
    ("TransactionException.INITCODE_SIZE_EXCEEDED", "a rule of the transaction's fork"),
    ("TransactionException.INSUFFICIENT_ACCOUNT_FUNDS", "the balance is in the state"),
    ("TransactionException.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS", "checked as the transaction is executed"),
    ("TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS", "checked as the transaction is executed"),
    ("TransactionException.INTRINSIC_GAS_TOO_LOW", "checked as the transaction is executed"),
    ("TransactionException.NONCE_IS_MAX", "the nonce is in the state"),
    ("TransactionException.NONCE_MISMATCH_TOO_HIGH", "the nonce is in the state"),
    ("TransactionException.NONCE_MISMATCH_TOO_LOW", "the nonce is in the state"),
    ("TransactionException.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", "checked as the transaction is executed"),
    ("TransactionException.SENDER_NOT_EOA", "the sender's code is in the state"),
    ("TransactionException.TYPE_NOT_SUPPORTED", "a rule of the transaction's fork"),
];

/// What is expected of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is refused under one of these names of ours.
    Refused(Vec<&'static str>),
    /// Only execution refuses it.
    ByExecution,
}

/// Reads `expectException`, in which `|` stands between names of which any will do.
pub(crate) fn expected(exception: &str) -> Expected {
    let mut labels = Vec::new();
    for name in exception.split('|') {
        if let Some((_, found)) = BY_HEADER.iter().find(|(known, _)| *known == name) {
            labels.extend_from_slice(found);
        } else {
            let known = BY_EXECUTION.iter().any(|(known, _)| *known == name);
            assert!(known, "{name} is in neither list: does it need execution, and what is it called here?");
        }
    }
    if labels.is_empty() { Expected::ByExecution } else { Expected::Refused(labels) }
}
