//! `simnet adversaries`

use std::io::Write;

use clap::Args;
use clap::builder::PossibleValuesParser;
use herald_simnet::measure::summary::Summary;
use herald_simnet::measure::table::{TextTable, reached};
use herald_simnet::measure::verdict::{AssertionHeld, RunOutcome, ScenarioVerdict, must_earn};
use herald_simnet::scenario::{AdversaryKind, Policy};
use herald_simnet::world::{Log, Setup};

use super::drive::{self, Panicked};
use super::error::CommandError;
use super::source::{ScenarioArgs, SeedArgs};

/// Run the scenario of each adversary, and show what it does to honest nodes.
#[derive(Debug, Args)]
pub(crate) struct AdversariesArgs {
    /// Only these, instead of all.
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(AdversaryKind::ALL.iter().map(|kind| kind.label())))]
    kinds: Vec<String>,
    /// Run with this many nodes instead of each scenario's.
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    #[command(flatten)]
    seed: SeedArgs,
    /// Print the table as Markdown, for documents.
    #[arg(long)]
    markdown: bool,
}

const HEADINGS: [&str; 9] = [
    "adversary",
    "must earn",
    "earned",
    "herald, 99 %",
    "not reached",
    "bound",
    "geth-model, 99 %",
    "not reached",
    "bound",
];

/// What one adversary came to.
struct AdversaryRow {
    cells: [String; HEADINGS.len()],
    outcome: RunOutcome,
    /// What did not hold under herald.
    failed: Vec<String>,
}

impl AdversariesArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        if !self.markdown {
            let seed = self.seed.seed.map_or_else(|| "each scenario's own".into(), |seed| seed.to_string());
            let nodes = self.nodes.map_or_else(|| "each scenario's own".into(), |nodes| nodes.to_string());
            writeln!(out, "seed {seed}\nnodes {nodes}\n")?;
        }
        let mut rows = Vec::new();
        let wanted =
            |kind: &AdversaryKind| self.kinds.is_empty() || self.kinds.iter().any(|it| it == kind.label());
        for kind in AdversaryKind::ALL.iter().copied().filter(wanted) {
            rows.push(self.row(kind)?);
        }
        for (row, failed) in rows.iter().flat_map(|row| row.failed.iter().map(move |failed| (row, failed))) {
            let [adversary, ..] = &row.cells;
            writeln!(out, "{adversary}: {failed}")?;
        }
        if rows.iter().any(|row| !row.failed.is_empty()) {
            writeln!(out)?;
        }
        if self.markdown {
            markdown(&rows, out)?;
        } else {
            let mut table = TextTable::new(HEADINGS, 3);
            rows.iter().for_each(|row| table.row(row.cells.iter()));
            write!(out, "{table}")?;
        }
        Ok(rows.iter().map(|row| row.outcome).max().unwrap_or(RunOutcome::Holds))
    }

    fn row(&self, kind: AdversaryKind) -> Result<AdversaryRow, CommandError> {
        let scenario = format!("adversary-{}", kind.label());
        let scenario = ScenarioArgs { scenario, nodes: self.nodes }.load(self.seed.seed)?;
        let setup = Setup::new(&scenario)?;
        let mut runs = Vec::new();
        let mut panicked = Vec::new();
        for policy in scenario.policies.iter().copied() {
            match drive::policy(&scenario, &setup, policy, Log::Off) {
                Ok((run, _)) => runs.push(run),
                Err(Panicked(what)) => panicked.push(format!("broken under {}: {what}", policy.label())),
            }
        }
        let (summaries, _) = drive::summaries(&scenario, &setup, &runs)?;
        let verdict = ScenarioVerdict::of(&scenario.assertions, &summaries);
        let of = |policy| summaries.iter().find(|summary| summary.policy == policy);
        let (herald, geth) = (of(Policy::Herald), of(Policy::GethModel));
        let [herald_p99, herald_missing] = figures(herald);
        let [geth_p99, geth_missing] = figures(geth);
        let mut outcome = if panicked.is_empty() { verdict.outcome() } else { RunOutcome::Broken };
        let mut failed = panicked;
        failed.extend(failures(&verdict));
        let earned = match herald.map_or_else(|| Earned::Not("-".into()), |herald| earned(kind, herald)) {
            Earned::AsItMust(words) => words,
            Earned::Not(words) => {
                outcome = outcome.max(RunOutcome::Failed);
                failed.push(format!("must earn {}, earned: {words}", wanted(kind)));
                words
            }
        };
        let cells = [
            kind.label().into(),
            wanted(kind),
            earned,
            herald_p99,
            herald_missing,
            bound(&verdict, Policy::Herald),
            geth_p99,
            geth_missing,
            bound(&verdict, Policy::GethModel),
        ];
        Ok(AdversaryRow { cells, outcome, failed })
    }
}

fn wanted(kind: AdversaryKind) -> String {
    let reasons: Vec<&str> = must_earn(kind).iter().map(|reason| reason.label()).collect();
    if reasons.is_empty() { "none".into() } else { reasons.join(" or ") }
}

/// The wanted reasons that were given, and how many of the hostile nodes got a penalty for whatever.
fn earned(kind: AdversaryKind, summary: &Summary) -> Earned {
    let wanted: Vec<&str> = must_earn(kind).iter().map(|reason| reason.label()).collect();
    let given = summary.penalties.iter().filter(|row| row.against == kind.label() && row.count > 0);
    let (rightly, otherwise): (Vec<&str>, Vec<&str>) =
        given.map(|row| row.reason).partition(|reason| wanted.contains(reason));
    let hostile = summary.hostile.iter().find(|hostile| hostile.kind == kind);
    let nodes = hostile.map_or_else(String::new, |h| format!("{} of {}", h.penalised, h.nodes));
    match (wanted.is_empty(), rightly.is_empty(), otherwise.is_empty()) {
        (true, _, true) => Earned::AsItMust("none".into()),
        (true, _, false) => Earned::AsItMust(format!("{}, {nodes}", otherwise.join(" and "))),
        (false, false, _) => Earned::AsItMust(format!("{}, {nodes}", rightly.join(" and "))),
        (false, true, true) => Earned::Not("NO".into()),
        (false, true, false) => Earned::Not(format!("NO, but {}, {nodes}", otherwise.join(" and "))),
    }
}

/// What an adversary was penalised for, in words.
enum Earned {
    /// One of the reasons that it must earn, or it need not earn any.
    AsItMust(String),
    /// None of those.
    Not(String),
}

fn figures(summary: Option<&Summary>) -> [String; 2] {
    summary.map_or_else(
        || ["-".into(), "-".into()],
        |summary| {
            let missing = format!("{} of {}", summary.not_reached, summary.deliveries);
            [reached(summary.imported.p99), missing]
        },
    )
}

/// Whether the bound that honest nodes must meet is met: their deliveries and their heads. Memory and
/// penalties are promised by our fetcher alone.
fn bound(verdict: &ScenarioVerdict, policy: Policy) -> String {
    let rows = verdict.rows.iter().filter(|row| row.assertion.is_of_propagation());
    let mut found = rows.flat_map(|row| &row.found).filter(|finding| finding.policy == policy).peekable();
    let met = found.peek().is_some() && found.all(|finding| finding.held == AssertionHeld::Yes);
    if met { "met".into() } else { "NOT met".into() }
}

fn failures(verdict: &ScenarioVerdict) -> Vec<String> {
    let rows = verdict.rows.iter().filter(|row| row.held() == AssertionHeld::No).map(|row| {
        let found = row.found.iter().find(|finding| finding.policy == Policy::Herald);
        let found = found.map_or("herald did not run", |finding| finding.figure.as_str());
        format!("{} wanted {}, found {found}", row.assertion.label(), row.wanted)
    });
    let broken = verdict.broken.iter();
    rows.chain(broken.map(|(policy, what)| format!("broken under {}: {what}", policy.label()))).collect()
}

fn markdown(rows: &[AdversaryRow], out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(out, "| {} |", HEADINGS.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(HEADINGS.len()))?;
    for row in rows {
        writeln!(out, "| {} |", row.cells.join(" | "))?;
    }
    Ok(())
}
