#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use super::open::SCHEMA_KEY;
use super::*;

fn block(number: u64, hash: u8) -> NewBlock<'static> {
    NewBlock {
        number,
        hash: B256::repeat_byte(hash),
        total_difficulty: U256::from(number),
        header: b"header",
        body: b"body",
        engine_state: None,
    }
}

#[test]
fn what_is_committed_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = block(0, 1);
    let one = NewBlock { engine_state: Some(b"state"), ..block(1, 2) };
    {
        let store = Store::open(directory.path(), &genesis, "clique").unwrap();
        assert_eq!(store.head().unwrap(), genesis.hash);
        store
            .commit(&Commit {
                blocks: vec![one, block(1, 3)],
                canonical: vec![(1, Some(one.hash))],
                head: Some(one.hash),
            })
            .unwrap();
    }
    let store = Store::open(directory.path(), &genesis, "clique").unwrap();
    assert_eq!(store.genesis(), genesis.hash);
    assert_eq!(store.head().unwrap(), one.hash);
    assert_eq!(store.canonical(0).unwrap(), Some(genesis.hash));
    assert_eq!(store.canonical(1).unwrap(), Some(one.hash));
    assert_eq!(store.canonical(2).unwrap(), None);
    assert_eq!(store.locate(&one.hash).unwrap(), Some((1, U256::from(1))));
    assert_eq!(store.header(1, &one.hash).unwrap().unwrap(), b"header".as_slice());
    assert_eq!(store.body(1, &one.hash).unwrap().unwrap(), b"body".as_slice());
    assert_eq!(store.engine_state(&one.hash).unwrap().unwrap(), b"state".as_slice());
    assert!(store.contains(&B256::repeat_byte(3)).unwrap());
    assert!(!store.contains(&B256::repeat_byte(4)).unwrap());
}

#[test]
fn a_store_of_another_chain_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path(), &block(0, 1), "clique").unwrap());
    let error = Store::open(directory.path(), &block(0, 2), "clique").unwrap_err();
    assert!(matches!(error, StoreOpenError::OtherChain { .. }), "{error}");
    assert!(error.to_string().contains("another --datadir"));
}

#[test]
fn a_store_of_a_newer_layout_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = Store::open(directory.path(), &block(0, 1), "clique").unwrap();
        store.meta.insert(SCHEMA_KEY, (SCHEMA_VERSION + 1).to_be_bytes()).unwrap();
        store.database.persist(PersistMode::SyncAll).unwrap();
    }
    let error = Store::open(directory.path(), &block(0, 1), "clique").unwrap_err();
    assert!(matches!(error, StoreOpenError::OtherSchema { found: 2, .. }), "{error}");
}

#[test]
fn a_store_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _open = Store::open(directory.path(), &block(0, 1), "clique").unwrap();
    let error = Store::open(directory.path(), &block(0, 1), "clique").unwrap_err();
    assert!(matches!(error, StoreOpenError::Locked { .. }), "{error}");
}

#[test]
fn nothing_is_made_where_a_store_must_be() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open_existing(&directory.path().join("typo")).unwrap_err();
    assert!(matches!(error, StoreOpenError::Missing { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = Store::open(&file.join("store"), &block(0, 1), "clique").unwrap_err();
    assert!(matches!(error, StoreOpenError::Directory { .. }), "{error}");
}

#[test]
fn blocks_of_another_engine_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = block(0, 1);
    drop(Store::open(directory.path(), &genesis, "trusted").unwrap());
    // Block 0 alone is nobody's work.
    let store = Store::open(directory.path(), &genesis, "clique").unwrap();
    store.commit(&Commit { blocks: vec![block(1, 2)], canonical: Vec::new(), head: None }).unwrap();
    drop(store);
    let error = Store::open(directory.path(), &genesis, "trusted").unwrap_err();
    assert!(matches!(error, StoreOpenError::OtherEngine { .. }), "{error}");
    Store::open(directory.path(), &genesis, "clique").unwrap();
}

#[test]
fn what_a_kill_left_while_a_store_was_made_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain");
    let left = directory.path().join("chain.new");
    std::fs::create_dir_all(left.join("keyspaces")).unwrap();
    std::fs::write(left.join("0.jnl"), b"begun").unwrap();
    let store = Store::open(&path, &block(0, 1), "clique").unwrap();
    assert_eq!(store.head().unwrap(), block(0, 1).hash);
    assert!(!left.exists());
}

#[test]
fn a_directory_of_other_things_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("diary.txt"), b"dear").unwrap();
    let error = Store::open(directory.path(), &block(0, 1), "clique").unwrap_err();
    assert!(matches!(error, StoreOpenError::Missing { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn many_who_begin_at_once_get_one_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain");
    std::thread::scope(|scope| {
        let opened: Vec<_> =
            (0..4).map(|_| scope.spawn(|| Store::open(&path, &block(0, 1), "clique"))).collect();
        let opened: Vec<_> = opened.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(opened.iter().filter(|store| store.is_ok()).count() <= 1);
        for error in opened.into_iter().filter_map(Result::err) {
            assert!(matches!(error, StoreOpenError::Locked { .. }), "{error}");
        }
    });
    assert!(Store::open(&path, &block(0, 1), "clique").is_ok());
}
