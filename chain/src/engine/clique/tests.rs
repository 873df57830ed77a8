#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

use alloy_primitives::{address, b256, hex};
use herald_proto::HeaderFields;
use serde::Deserialize;

use super::*;
use crate::testkit;

/// The scenarios of EIP-225, as the data directory has them.
#[derive(Deserialize)]
struct Scenarios {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    id: u64,
    title: String,
    epoch: u64,
    genesis_signers: Vec<char>,
    blocks: Vec<ScenarioBlock>,
    expect: Expectation,
}

#[derive(Deserialize)]
struct ScenarioBlock {
    number: u64,
    by: char,
    vote: Option<ScenarioVote>,
}

#[derive(Deserialize)]
struct ScenarioVote {
    on: char,
    kind: String,
}

#[derive(Deserialize)]
struct Expectation {
    signers: Option<Vec<char>>,
    error: Option<String>,
    at_block: Option<u64>,
}

/// An account for a letter.
fn account(letter: char) -> Address {
    Address::with_last_byte(u8::try_from(letter).unwrap())
}

fn vote_header(number: u64, vote: Option<Vote>) -> HeaderFields {
    let (beneficiary, nonce) = vote.map(vote_fields).unwrap_or_default();
    HeaderFields { number, beneficiary, nonce, ..HeaderFields::default() }
}

fn start(signers: &str) -> Snapshot {
    Snapshot::new(0, B256::ZERO, signers.chars().map(account))
}

/// Applies blocks in a short hand: who signs, and `+X` or `-X` for a vote.
fn run(mut snapshot: Snapshot, epoch: u64, blocks: &str) -> Result<String, (u64, CliqueFault)> {
    for (number, block) in (1..).zip(blocks.split_whitespace()) {
        let mut letters = block.chars();
        let signer = account(letters.next().unwrap());
        let kind = letters.next().map(|sign| match sign {
            '+' => VoteKind::Add,
            _ => VoteKind::Drop,
        });
        let vote = kind.map(|kind| Vote { subject: account(letters.next().unwrap()), kind });
        snapshot =
            snapshot.apply(&vote_header(number, vote), signer, epoch).map_err(|fault| (number, fault))?;
    }
    Ok(snapshot.signers().map(|signer| char::from(signer[19])).collect())
}

#[test]
fn eip_225_scenarios() {
    let Some(path) = testkit::data("clique/clique_scenarios.json") else { return };
    let all: Scenarios = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(all.scenarios.len(), 24);
    for scenario in all.scenarios {
        let signers: String = scenario.genesis_signers.iter().collect();
        let blocks: Vec<String> = scenario
            .blocks
            .iter()
            .enumerate()
            .map(|(index, block)| {
                assert_eq!(block.number, index as u64 + 1);
                let vote = block
                    .vote
                    .as_ref()
                    .map(|vote| format!("{}{}", if vote.kind == "add" { '+' } else { '-' }, vote.on));
                format!("{}{}", block.by, vote.unwrap_or_default())
            })
            .collect();
        let outcome = run(start(&signers), scenario.epoch, &blocks.join(" "));
        let title = format!("{}: {}", scenario.id, scenario.title);
        match (outcome, scenario.expect.error.as_deref()) {
            (Ok(signers), None) => {
                let mut expected = scenario.expect.signers.unwrap();
                expected.sort_unstable();
                assert_eq!(signers, expected.iter().collect::<String>(), "{title}");
            }
            (Err((at, fault)), Some(error)) => {
                assert_eq!(Some(at), scenario.expect.at_block, "{title}");
                let kind = match fault {
                    CliqueFault::Unauthorised { .. } => "unauthorized-signer",
                    CliqueFault::RecentlySigned { .. } => "recently-signed",
                    other => panic!("{title}: {other}"),
                };
                assert_eq!(kind, error, "{title}");
            }
            (outcome, _) => panic!("{title}: {outcome:?}"),
        }
    }
}

#[test]
fn votes_change_the_signers() {
    let epoch = 30_000;
    for (signers, blocks, expected) in [
        ("A", "A+B B", "AB"),
        ("AB", "A+C B+C A+D B+D C A+E B+E", "ABCD"),
        ("AB", "A-B", "AB"),
        ("AB", "A-B B-B", "A"),
        ("ABC", "A-C B-C", "AB"),
        // A vote counts once, and the last on a subject counts.
        ("AB", "A+C B A+C B A+C", "AB"),
        ("AB", "A+C B A-C B+C", "AB"),
        // A passed majority counts at the next touch, whoever touches.
        ("ABCD", "A-C B C A-D B-C C A B-D C-D A C+C", "AB"),
        // What a dropped signer wished ends with it.
        ("ABC", "C+D A-C B-C A+D", "AB"),
    ] {
        assert_eq!(run(start(signers), epoch, blocks).unwrap(), expected, "{signers}: {blocks}");
    }
    // A checkpoint forgets votes, but not who signed.
    assert_eq!(run(start("AB"), 3, "A+C B A B+C").unwrap(), "AB");
    let (at, fault) = run(start("ABC"), 3, "A B A A").unwrap_err();
    let until = CliqueFault::RecentlySigned { signer: account('A'), until: 5 };
    assert_eq!((at, fault), (4, until));
    let (at, fault) = run(start("A"), epoch, "B").unwrap_err();
    assert_eq!((at, fault), (1, CliqueFault::Unauthorised { signer: account('B') }));
    // Nobody is left: nobody signs, and nothing divides by zero.
    let (at, _) = run(start("A"), epoch, "A-A A").unwrap_err();
    assert_eq!(at, 2);
}

#[test]
fn a_snapshot_survives_the_disk() {
    let vote = Vote { subject: account('C'), kind: VoteKind::Add };
    let snapshot = start("AB").apply(&vote_header(1, Some(vote)), account('A'), 100).unwrap();
    let bytes = serde_json::to_vec(&snapshot).unwrap();
    assert_eq!(serde_json::from_slice::<Snapshot>(&bytes).unwrap(), snapshot);
}

#[test]
fn turns_go_round_by_number() {
    let snapshot = start("ABC");
    let (a, b) = (account('A'), account('B'));
    assert_eq!(snapshot.turn(3, a).unwrap(), Turn::InTurn);
    assert_eq!(snapshot.turn(3, b).unwrap(), Turn::OutOfTurn);
    assert_eq!(snapshot.turn(4, b).unwrap(), Turn::InTurn);
    assert_eq!(snapshot.blocks_since_turn(4, b), 0);
    assert_eq!(snapshot.blocks_since_turn(4, a), 1);
    assert_eq!(snapshot.blocks_since_turn(4, account('C')), 2);
    // A number below a signer's index wraps as the formula does.
    assert_eq!(snapshot.blocks_since_turn(0, account('C')), 1);
}

#[test]
fn goerli_headers_give_their_signers() {
    #[derive(Deserialize)]
    struct File {
        headers: Vec<Known>,
    }
    #[derive(Deserialize)]
    struct Known {
        number: u64,
        hash: B256,
        header_rlp: Bytes,
        signer: Option<Address>,
    }
    let Some(path) = testkit::data("clique/goerli_headers_0_7.json") else { return };
    let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(file.headers.len() >= 8);
    let mut clique = None;
    let mut previous: Option<Header> = None;
    for known in file.headers {
        let header = Header::decode(&known.header_rlp).unwrap();
        assert_eq!((header.hash(), header.number), (known.hash, known.number));
        if let Some(signer) = known.signer {
            assert_eq!(recover_signer(&header).unwrap(), signer, "{}", known.number);
        }
        if known.number == 0 {
            let config = CliqueConfig { period: 15, epoch: 30_000 };
            let body = herald_proto::Body::new(Vec::new(), Vec::new(), None);
            let block = herald_proto::Block::new(header.clone(), body);
            clique = Some(Clique::new(config, &Genesis::from_block(block).unwrap()).unwrap());
        } else if let (Some(clique), Some(parent)) = (&clique, &previous)
            && header.parent_hash == parent.hash()
        {
            clique.verify_header(&header, &head(parent), &NoAncestry).unwrap();
        }
        previous = Some(header);
    }
}

/// For chains whose snapshots are all in memory.
#[derive(Debug)]
struct NoAncestry;

impl Ancestry for NoAncestry {
    fn header(&self, _: &B256) -> Result<Option<Header>, StoreError> {
        Ok(None)
    }

    fn engine_state(&self, _: &B256) -> Result<Option<bytes::Bytes>, StoreError> {
        Ok(None)
    }
}

/// Clique looks at no total difficulty when it verifies.
fn head(header: &Header) -> Head {
    Head { header: header.clone(), total_difficulty: U256::ZERO }
}

/// Clique's own fault.
fn fault(error: VerifyError) -> CliqueFault {
    match error {
        VerifyError::Fault(fault) => fault.downcast_ref::<CliqueFault>().unwrap().clone(),
        VerifyError::Store(error) => panic!("{error}"),
    }
}

/// A header that breaks no rule of form.
fn sound(key: &crate::key::AccountKey, parent: &Header) -> HeaderFields {
    HeaderFields {
        parent_hash: parent.hash(),
        uncles_hash: EMPTY_UNCLES_HASH,
        number: parent.number + 1,
        timestamp: parent.timestamp + 5,
        difficulty: U256::from(2),
        extra_data: clique_extra_data(&[]),
        base_fee: Some(7),
        beneficiary: Address::ZERO,
        state_root: B256::from_slice(&[key.address().as_slice(), &[0; 12]].concat()),
        ..HeaderFields::default()
    }
}

#[test]
fn the_seal_covers_every_field() {
    let key = &testkit::signers(1)[0];
    let genesis = testkit::clique_genesis(std::slice::from_ref(key), CliqueConfig::default());
    let fields = sound(key, genesis.header());
    let header = sealed(fields.clone(), key).unwrap();
    assert_eq!(recover_signer(&header).unwrap(), key.address());
    let mut other = header.fields().clone();
    other.base_fee = Some(8);
    assert_ne!(recover_signer(&Header::new(other).unwrap()).ok(), Some(key.address()));
    // Geth's recovery ids are 0 and 1; 27 and 28 are others'.
    let mut other = header.fields().clone();
    let mut extra = other.extra_data.to_vec();
    *extra.last_mut().unwrap() += 27;
    other.extra_data = extra.into();
    assert_eq!(recover_signer(&Header::new(other).unwrap()), Err(CliqueFault::BadSeal));
    let mut other = header.fields().clone();
    other.extra_data = Bytes::from_static(&[0; 64]);
    let short = CliqueFault::ExtraDataTooShort { found: 64 };
    assert_eq!(recover_signer(&Header::new(other).unwrap()), Err(short));
}

#[test]
fn each_rule_of_form_is_checked() {
    type Change = fn(&mut HeaderFields);
    let key = &testkit::signers(1)[0];
    let config = CliqueConfig { period: 5, epoch: 10 };
    let genesis = testkit::clique_genesis(std::slice::from_ref(key), config);
    let clique = Clique::new(config, &genesis).unwrap();
    let check = |change: Change| {
        let mut fields = sound(key, genesis.header());
        change(&mut fields);
        let header = match sealed(fields.clone(), key) {
            Ok(header) => header,
            Err(_) => Header::new(fields).unwrap(),
        };
        clique.verify_header(&header, &head(genesis.header()), &NoAncestry).err().map(fault)
    };
    assert_eq!(check(|_| {}), None);
    let changes: [(Change, CliqueFault); 9] = [
        (|f| f.nonce = B64::with_last_byte(1), CliqueFault::Nonce { found: B64::with_last_byte(1) }),
        (|f| f.mix_hash = B256::repeat_byte(1), CliqueFault::MixHash),
        (|f| f.uncles_hash = B256::ZERO, CliqueFault::Uncles),
        (|f| f.difficulty = U256::from(3), CliqueFault::Difficulty { found: U256::from(3) }),
        (
            |f| f.difficulty = U256::from(1),
            CliqueFault::WrongTurn { found: U256::from(1), turn: Turn::InTurn },
        ),
        (|f| f.extra_data = Bytes::new(), CliqueFault::ExtraDataTooShort { found: 0 }),
        (|f| f.extra_data = clique_extra_data(&[Address::ZERO]), CliqueFault::SignersOutsideCheckpoint),
        (|f| f.extra_data = vec![0; 98].into(), CliqueFault::SignersNotWhole { found: 1 }),
        (|f| f.withdrawals_root = Some(B256::ZERO), CliqueFault::AfterLondon),
    ];
    for (change, fault) in changes {
        assert_eq!(check(change), Some(fault));
    }
    let early = check(|f| f.timestamp -= 1).unwrap();
    assert!(matches!(early, CliqueFault::TooEarly { found: 4, earliest: 5 }), "{early}");
    let at_checkpoint = |change: Change| {
        let mut fields = sound(key, genesis.header());
        fields.number = 10;
        fields.extra_data = clique_extra_data(&[key.address()]);
        change(&mut fields);
        let header = sealed(fields, key).unwrap();
        clique.verify_header(&header, &head(genesis.header()), &NoAncestry).err().map(fault)
    };
    let vote = at_checkpoint(|f| f.beneficiary = Address::repeat_byte(1));
    assert_eq!(vote, Some(CliqueFault::CheckpointVote));
    let listed = at_checkpoint(|f| f.extra_data = clique_extra_data(&[]));
    assert_eq!(listed, Some(CliqueFault::CheckpointSigners));
    assert!(at_checkpoint(|_| {}).is_none());
}

#[test]
fn a_genesis_without_signers_is_refused() {
    let genesis = testkit::clique_genesis(&[], CliqueConfig::default());
    let error = Clique::new(CliqueConfig::default(), &genesis).unwrap_err();
    assert!(matches!(error, EngineError::NoSigners), "{error}");
}

/// A London block of a public Clique chain is not in the data, so our own hash stands for it:
/// the header without its last 65 bytes of extra data, base fee included.
#[test]
fn the_seal_hash_is_the_hash_of_the_unsealed_header() {
    let fields =
        HeaderFields { base_fee: Some(7), extra_data: vec![1; 97].into(), ..HeaderFields::default() };
    let cut = HeaderFields { extra_data: vec![1; 32].into(), ..fields.clone() };
    assert_eq!(seal_hash(&fields).unwrap(), Header::new(cut).unwrap().hash());
}

#[test]
fn a_known_key_has_its_known_address() {
    // Vectors known from every Ethereum development tool.
    let secret = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    let key = crate::key::AccountKey::from_bytes(secret).unwrap();
    assert_eq!(key.address(), address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"));
    assert!(!format!("{key:?}").contains(&hex::encode(secret)));
}
