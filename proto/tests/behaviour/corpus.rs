//! Every file of the fuzz corpus goes through its target's check, and its seeds are golden bytes:
//! the encoder makes them again, byte for byte.

use std::path::PathBuf;

use herald_proto::fuzzing::TARGETS;

use crate::samples;

/// Set to write the seeds after a deliberate change of what they are.
const WRITE: &str = "HERALD_WRITE_SEEDS";

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

#[test]
fn seeds_are_what_the_encoder_makes() {
    for (target, name, bytes) in samples::seeds() {
        let path = corpus(target).join(format!("seed_{name}"));
        if std::env::var_os(WRITE).is_some() {
            std::fs::create_dir_all(corpus(target)).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let golden = std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; run once with {WRITE}=1", path.display());
        });
        assert_eq!(bytes, golden, "{target}/{name}");
    }
}

#[test]
fn every_file_passes_its_targets_check() {
    for (target, check) in TARGETS {
        let mut files = 0;
        for file in std::fs::read_dir(corpus(target)).unwrap() {
            check(&std::fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{target} has no corpus");
    }
}

#[test]
fn every_seed_is_of_a_target_and_every_target_is_built() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    for (target, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        assert!(samples::seeds().iter().any(|(of, ..)| *of == target), "{target}");
    }
}
