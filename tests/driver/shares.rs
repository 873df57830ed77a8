//! What one peer sends in excess costs the others nothing.

use herald_fetcher::driver::{Handle, HandleError, QueueLimits};
use herald_fetcher::{Admission, BlockHash, Config, Connection};

use crate::host::{Host, Manner, Parts, Peer, Toy, empty_block, full_block, genesis};
use crate::watchdog::run;

/// The driver's task does not get the thread before the test awaits something: until then the queue
/// is filled and not emptied.
fn flood(handle: &Handle<Toy>, peer: Peer) -> u32 {
    let hash = BlockHash::repeat_byte(peer);
    (0..10_000).find(|_| handle.try_announce(peer, hash, 1_000).is_err()).expect("the queue is bounded")
}

/// Eight peers: of 64 calls there are 4 for each of them, 8 for the host and 24 for all.
fn host_of_eight() -> Host {
    let mut limits = QueueLimits::default();
    limits.calls = 64.try_into().unwrap();
    let config = Config::default().with(|config| config.peers = 8);
    Parts::new(Manner::AtOnce).spawn_with(config, |builder| builder.queue(limits))
}

#[test]
fn a_flooder_leaves_everybody_else_their_share() {
    run(|| async {
        let host = host_of_eight();
        host.connect(&[1, 2]).await;
        let handle = &host.handle;
        assert_eq!(flood(handle, 1), 4 + 24);
        let hashes = [11, 12, 13, 14].map(BlockHash::repeat_byte);
        let answers = hashes.map(|hash| handle.try_announce(2, hash, 1).unwrap());
        assert_eq!(
            handle.try_announce(2, BlockHash::repeat_byte(15), 1).err(),
            Some(HandleError::Busy),
            "its share is used up as well"
        );
        for answer in answers {
            assert_eq!(answer.await, Ok(Admission::Accepted));
        }
    });
}

#[test]
fn many_flooders_together_do_too() {
    run(|| async {
        let host = host_of_eight();
        host.connect(&[1, 2, 3, 4, 5, 6, 7, 8]).await;
        let handle = &host.handle;
        let flooded: u32 = (1..8).map(|peer| flood(handle, peer)).sum();
        assert_eq!(flooded, 7 * 4 + 24);
        assert_eq!(handle.announce(8, BlockHash::repeat_byte(11), 1).await, Ok(Admission::Accepted));
    });
}

/// Who was refused by the fetcher, or never connected, takes nobody's share.
#[test]
fn strangers_have_no_share() {
    run(|| async {
        let host = host_of_eight();
        host.connect(&[1, 2, 3, 4, 5, 6, 7, 8]).await;
        let handle = &host.handle;
        assert_eq!(handle.peer_connected(9).await, Ok(Connection::TooMany));
        assert_eq!(flood(handle, 9), 24);
        assert_eq!(flood(handle, 10), 0);
        for peer in 1..=8 {
            assert_eq!(flood(handle, peer), 4);
        }
        // All of it is handled by now. A share ends with its peer, and is another's then.
        assert!(handle.status().await.is_ok());
        handle.peer_gone(1).await.unwrap();
        assert_eq!(handle.peer_connected(9).await, Ok(Connection::Accepted));
        assert_eq!(flood(handle, 2), 4 + 24);
        assert_eq!(flood(handle, 1), 0);
        assert_eq!(flood(handle, 9), 4);
    });
}

#[test]
fn the_hosts_own_calls_have_a_share() {
    run(|| async {
        let host = host_of_eight();
        host.connect(&[1, 2]).await;
        let handle = &host.handle;
        assert_eq!(flood(handle, 1), 28);
        assert_eq!(handle.try_chain_advanced(vec![(genesis().hash(), 0)]), Ok(()));
        assert_eq!(handle.try_peer_gone(1), Ok(()), "least of all its own flood keeps a peer here");
        let connection = handle.try_peer_connected(3).unwrap();
        let status = handle.try_status().unwrap();
        assert_eq!(connection.await, Ok(Connection::Accepted));
        let mut peers: Vec<Peer> = status.await.unwrap().peers.iter().map(|peer| peer.peer).collect();
        peers.sort_unstable();
        assert_eq!(peers, [2, 3]);
    });
}

/// Bytes as well; a block that is larger than its peer's share is fetched later instead of lost.
#[test]
fn a_pushed_block_is_not_lost_in_a_flood_of_others() {
    run(|| async {
        let block = full_block(1, genesis().hash(), 0);
        let bytes = u32::try_from(block.retained_bytes()).unwrap();
        let mut limits = QueueLimits::default();
        limits.bytes = (bytes * 8).try_into().unwrap();
        let config = Config::default().with(|config| config.peers = 8);
        let mut host = Parts::new(Manner::AtOnce).spawn_with(config, |builder| builder.queue(limits));
        host.connect(&[1, 2]).await;
        let handle = host.handle.clone();
        let mut flood = Vec::new();
        for tag in 1..=8 {
            // Too far away to be fetched.
            flood.push(handle.try_push_block(1, full_block(1_000, genesis().hash(), tag)).unwrap());
        }
        let pushed = handle.try_push_block(2, block.clone()).unwrap();
        assert_eq!(pushed.await, Ok(Admission::Accepted));
        for answer in flood {
            assert_eq!(answer.await, Ok(Admission::TooFar));
        }
        let (peer, _, asked) = host.header_request().await;
        assert_eq!((peer, asked), (2, block.hash()), "its bytes found no capacity, its hash did");
    });
}

/// With the default limits, and all the peers there may be.
#[test]
fn the_defaults_have_a_share_for_each_peer() {
    run(|| async {
        let host = Host::new(Manner::AtOnce);
        let peers: Vec<Peer> = (1..=128).collect();
        host.connect(&peers).await;
        let handle = &host.handle;
        assert_eq!(flood(handle, 1), 4 + 384);
        for peer in 2..=128 {
            assert_eq!(flood(handle, peer), 4);
        }
        let block = empty_block(1, genesis().hash(), 0);
        assert!(handle.try_sealed(block).is_ok(), "nor is the host's own touched");
    });
}
