#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::engine::{Ancestry, VerifyError, clique};
use crate::genesis::Strictness;
use crate::head::Head;
use crate::testkit;
use herald_proto::Header;

fn genesis(sections: &str) -> Genesis {
    let json = format!(
        r#"{{"config": {{"chainId": 1, "londonBlock": 0{sections}}}, "difficulty": "0x20000",
            "gasLimit": "0x1c9c380", "alloc": {{}}}}"#
    );
    Genesis::from_json(&json).unwrap()
}

fn auto(sections: &str) -> Result<&'static str, EngineError> {
    EngineChoice::Auto.open(&genesis(sections)).map(|engine| engine.name())
}

#[test]
fn a_genesis_names_its_engine_by_a_section() {
    assert_eq!(auto("").unwrap(), "trusted");
    assert_eq!(auto(r#", "ethash": {}"#).unwrap(), "ethash");
    let signed = testkit::clique_genesis(&testkit::signers(1), clique::CliqueConfig::default());
    assert_eq!(EngineChoice::Auto.open(&signed).unwrap().name(), "clique");
    // Its own engine refuses what is wrong with it; nobody takes it over in silence.
    assert!(matches!(
        auto(r#", "clique": {"period": 2}"#),
        Err(EngineError::Genesis { engine: "clique", .. })
    ));
}

#[test]
fn every_engine_is_found_by_its_name_and_opens_as_it() {
    let signed = testkit::clique_genesis(&testkit::signers(1), clique::CliqueConfig::default());
    for spec in ENGINES {
        match spec.name.parse::<EngineChoice>().unwrap().open(&signed) {
            Ok(engine) => assert_eq!(engine.name(), spec.name),
            // One that must have its own section is not asked for by Clique's genesis.
            Err(error) => assert!(matches!(error, EngineError::NoSection { .. }), "{error}"),
        }
    }
    let error = "ethahs".parse::<EngineChoice>().unwrap_err();
    assert!(
        error.to_string().starts_with("there is no engine `ethahs`; choose one of auto, clique, "),
        "{error}"
    );
}

#[test]
fn a_named_engine_needs_what_it_reads() {
    let named = |name: &str, genesis: &Genesis| name.parse::<EngineChoice>().unwrap().open(genesis);
    let error = named("clique", &genesis("")).unwrap_err();
    assert!(matches!(error, EngineError::NoSection { engine: "clique", section: "clique" }), "{error}");
    // Ethash has no parameters of its own, so it can be asked for where its section is missing.
    assert_eq!(named("ethash", &genesis("")).unwrap().name(), "ethash");
    let block = Genesis::from_block(genesis("").block().clone()).unwrap();
    let error = named("ethash", &block).unwrap_err();
    assert!(matches!(error, EngineError::NoConfig { engine: "ethash" }), "{error}");
    assert_eq!(named("trusted", &block).unwrap().name(), "trusted");
}

#[test]
fn sections_of_engines_that_are_not_here_are_refused_by_name() {
    for section in ["parlia", "congress", "bor", "aura", "somebodys"] {
        let with = genesis(&format!(r#", "{section}": {{"period": 3}}"#));
        for choice in [EngineChoice::Auto, EngineChoice::Named(named("ethash"))] {
            let error = choice.open(&with).unwrap_err().to_string();
            assert!(error.contains(&format!("config.{section}`")), "{error}");
        }
        // Asked for by name, an engine that looks at no seal takes the chain.
        EngineChoice::Named(named("trusted")).open(&with).unwrap();
    }
}

#[derive(Debug)]
struct Outside;

impl Engine for Outside {
    fn name(&self) -> &'static str {
        "outside"
    }

    fn verify_header(&self, _: &Header, _: &Head, _: &dyn Ancestry) -> Result<(), VerifyError> {
        Ok(())
    }
}

#[test]
fn an_engine_that_is_given_is_taken_whatever_the_genesis_says() {
    let engine = EngineChoice::Given(Arc::new(Outside)).open(&genesis(r#", "congress": {}"#)).unwrap();
    assert_eq!(engine.name(), "outside");
}

#[test]
fn json_without_config_is_taken_by_none_but_trusted() {
    let json = |config: &str| {
        Genesis::from_json(&format!(r#"{{{config}"difficulty": 1, "gasLimit": 5000, "alloc": {{}}}}"#))
            .unwrap()
    };
    for genesis in [json(""), json(r#""config": null, "#)] {
        for choice in [EngineChoice::Auto, EngineChoice::Named(named("ethash"))] {
            let error = choice.open(&genesis).unwrap_err();
            assert!(matches!(error, EngineError::JsonWithoutConfig), "{error}");
            assert!(error.to_string().contains("no `config`"), "{error}");
        }
        EngineChoice::Named(named("trusted")).open(&genesis).unwrap();
        // The same block in RLP cannot tell the rules, so nobody left them out.
        let block = Genesis::from_block(genesis.block().clone()).unwrap();
        assert_eq!(EngineChoice::Auto.open(&block).unwrap().name(), "trusted");
    }
    // A `config` with nothing in it says that there are no forks.
    assert_eq!(EngineChoice::Auto.open(&json(r#""config": {}, "#)).unwrap().name(), "trusted");
}

/// Counts the warnings of one thread.
#[derive(Default)]
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if *event.metadata().level() == tracing::Level::WARN {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_section_that_is_passed_over_is_logged_once() {
    let json = r#"{"config": {"londonBlock": 0, "ethash": {}, "somebodys": {}}, "difficulty": 1,
        "gasLimit": 5000, "alloc": {}}"#;
    for choice in [EngineChoice::Auto, EngineChoice::Named(named("ethash"))] {
        let warnings = Warnings::default();
        let count = Arc::clone(&warnings.0);
        tracing::subscriber::with_default(warnings, || {
            let genesis = Genesis::read(json, Strictness::Lenient).unwrap();
            choice.open(&genesis).unwrap();
        });
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
