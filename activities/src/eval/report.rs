//! The report of an evaluation: the JSON with its documented keys, and the same for people.

use std::collections::BTreeMap;
use std::fmt;

use domain::calibration::{self as figures, Case};
use domain::claim_type::ClaimType;
use serde::Serialize;

use crate::eval::claims::ClaimsReport;
use crate::eval::{Engines, EvalOptions, Outcome, Set};

/// What `--json` writes. Keys only grow.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `receipts`, `invoices`, `forms` or `contracts`.
    pub set: &'static str,
    /// Always `development`: rules and constants were made while looking at these documents.
    pub figures: &'static str,
    /// When it ran, RFC 3339.
    pub at: String,
    pub machine: Machine,
    pub engines: EngineNames,
    pub documents: Documents,
    /// Seed, rounds and folds of the statistics.
    pub statistics: Statistics,
    pub seconds: Seconds,
    pub classify: Classified,
    /// By field name.
    pub fields: BTreeMap<String, FieldReport>,
    /// What becomes of generated claims; absent where the set has no claim type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsReport>,
}

/// Where it ran.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub os: &'static str,
    pub arch: &'static str,
    pub optimised: bool,
}

/// Engines with their versions.
#[derive(Debug, Serialize)]
pub struct EngineNames {
    pub read: String,
    pub classify: String,
    pub extract: String,
    /// Whether the extractor's scores claim to be probabilities.
    pub calibrated: bool,
    /// What was fitted to this data by the run: nothing, for rules. Thresholds are, and those are tried on other issuers (`held_out_at_99`).
    pub fitted: &'static str,
}

/// How many documents, and of how many issuers.
#[derive(Debug, Serialize)]
pub struct Documents {
    pub n: usize,
    pub issuers: usize,
    /// Files that could not be read; their fields count as insufficient.
    pub unreadable: usize,
    /// Files whose words came from the cache.
    pub cached: usize,
}

#[derive(Debug, Serialize)]
pub struct Statistics {
    pub seed: u64,
    pub bootstrap_rounds: usize,
    pub folds: usize,
}

/// Mean seconds per document; reading counts only files that were not in the cache.
#[derive(Debug, Serialize)]
pub struct Seconds {
    pub read: Option<f64>,
    pub classify: f64,
    pub extract: f64,
}

/// The classifier's part.
#[derive(Debug, Serialize)]
pub struct Classified {
    pub n: usize,
    /// Kinds that the set may have.
    pub right: usize,
    pub kinds: BTreeMap<&'static str, usize>,
}

/// One field. `found + insufficient = n` and `right + wrong = found`.
#[derive(Debug, Serialize)]
pub struct FieldReport {
    /// Documents with a label for the field.
    pub n: usize,
    /// A value was found.
    pub found: usize,
    /// The best value is the labelled one.
    pub right: usize,
    /// The best value is another.
    pub wrong: usize,
    /// Nothing was found.
    pub insufficient: usize,
    /// `right / n`.
    pub right_rate: f64,
    /// The same within each issuer, averaged over issuers.
    pub right_rate_by_issuer: f64,
    /// Largest share of all documents that can be answered by score with 99 % of the answers right; the threshold is chosen on the same documents.
    pub coverage_at_99: f64,
    pub coverage_at_95: f64,
    /// The same with the threshold chosen on other issuers.
    pub held_out_at_99: HeldOut,
    /// Expected calibration error of the found, ten equal bins.
    pub ece: f64,
    /// The chance that a right value scores higher than a wrong one.
    pub auroc: Option<f64>,
    /// At the claim type's threshold.
    pub at_threshold: AtThreshold,
    /// 95 % bootstrap intervals that draw issuers.
    pub intervals: Intervals,
}

#[derive(Debug, Serialize)]
pub struct HeldOut {
    pub coverage: f64,
    pub precision: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct AtThreshold {
    pub threshold: f64,
    pub answered: usize,
    pub right: usize,
}

#[derive(Debug, Serialize)]
pub struct Intervals {
    pub right_rate: [f64; 2],
    pub coverage_at_99: [f64; 2],
    pub ece: [f64; 2],
}

pub(super) fn build(
    set: &Set,
    claim_type: Option<&ClaimType>,
    outcomes: &[Option<Outcome>],
    options: &EvalOptions,
    engines: &Engines,
) -> Report {
    let mut answers: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for (item, outcome) in set.items.iter().zip(outcomes) {
        for field in item.gold.keys() {
            let nothing = Case { group: item.group, score: None, right: false, weight: 1.0 };
            let answer = outcome.as_ref().and_then(|outcome| outcome.fields.get(field)).copied().unwrap_or(nothing);
            answers.entry(field.clone()).or_default().push(answer);
        }
    }
    let fields = answers
        .into_iter()
        .map(|(name, answers)| {
            let threshold = claim_type.and_then(|claim_type| claim_type.field(&name)).map_or(1.0, |spec| spec.threshold);
            let report = field(&answers, threshold, options);
            (name, report)
        })
        .collect();
    let issuers: std::collections::BTreeSet<usize> = set.items.iter().map(|item| item.group).collect();
    Report {
        set: set.shape.as_str(),
        figures: "development",
        at: options.at.to_rfc3339(),
        machine: machine(),
        engines: EngineNames {
            read: engines.reader.name(),
            classify: engines.classifier.name().to_owned(),
            extract: engines.extractor.name().to_owned(),
            calibrated: engines.extractor.calibrated(),
            fitted: "nothing",
        },
        documents: Documents {
            n: set.items.len(),
            issuers: issuers.len(),
            unreadable: outcomes.iter().filter(|outcome| outcome.is_none()).count(),
            cached: outcomes.iter().flatten().filter(|outcome| outcome.took.from_cache).count(),
        },
        statistics: Statistics { seed: options.seed, bootstrap_rounds: options.rounds, folds: options.folds },
        seconds: seconds(outcomes),
        classify: classified(set, outcomes),
        fields,
        claims: None,
    }
}

fn field(answers: &[Case], threshold: f64, options: &EvalOptions) -> FieldReport {
    let n = answers.len();
    let found = answers.iter().filter(|answer| answer.score.is_some()).count();
    let right = answers.iter().filter(|answer| answer.right).count();
    let answered = answers.iter().filter(|answer| answer.score.is_some_and(|score| score >= threshold));
    let (coverage, precision) = figures::held_out(answers, options.folds, 0.99);
    let interval = |figure: &dyn Fn(&[Case]) -> f64| figures::interval(answers, options.seed, options.rounds, figure);
    FieldReport {
        n,
        found,
        right,
        wrong: found - right,
        insufficient: n - found,
        right_rate: figures::right_rate(answers),
        right_rate_by_issuer: figures::right_rate_by_group(answers),
        coverage_at_99: figures::coverage_at(answers, 0.99),
        coverage_at_95: figures::coverage_at(answers, 0.95),
        held_out_at_99: HeldOut { coverage, precision },
        ece: figures::calibration_error(answers),
        auroc: figures::auroc(answers),
        at_threshold: AtThreshold { threshold, answered: answered.clone().count(), right: answered.filter(|answer| answer.right).count() },
        intervals: Intervals {
            right_rate: interval(&figures::right_rate),
            coverage_at_99: interval(&|drawn| figures::coverage_at(drawn, 0.99)),
            ece: interval(&figures::calibration_error),
        },
    }
}

fn classified(set: &Set, outcomes: &[Option<Outcome>]) -> Classified {
    let mut kinds = BTreeMap::new();
    let mut right = 0;
    for kind in outcomes.iter().flatten().filter_map(|outcome| outcome.kind) {
        *kinds.entry(kind.as_str()).or_default() += 1;
        right += usize::from(set.shape.kinds().contains(&kind));
    }
    Classified { n: set.items.len(), right, kinds }
}

fn seconds(outcomes: &[Option<Outcome>]) -> Seconds {
    let mean = |of: &dyn Fn(&Outcome) -> Option<f64>| {
        let all: Vec<f64> = outcomes.iter().flatten().filter_map(of).collect();
        if all.is_empty() { None } else { Some(all.iter().sum::<f64>() / all.len() as f64) }
    };
    Seconds {
        read: mean(&|outcome| (!outcome.took.from_cache).then_some(outcome.took.read.as_secs_f64())),
        classify: mean(&|outcome| Some(outcome.took.classify.as_secs_f64())).unwrap_or_default(),
        extract: mean(&|outcome| Some(outcome.took.extract.as_secs_f64())).unwrap_or_default(),
    }
}

fn machine() -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
    Machine {
        cpu: model.unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        optimised: !cfg!(debug_assertions),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let documents = &self.documents;
        writeln!(f, "{}: {} documents of {} issuers, development figures", self.set, documents.n, documents.issuers)?;
        writeln!(
            f,
            "{} on {}, {} cores{}",
            self.at,
            self.machine.cpu,
            self.machine.cores,
            if self.machine.optimised { "" } else { " (not an optimised build)" }
        )?;
        writeln!(f, "read {}, classify {}, extract {}", self.engines.read, self.engines.classify, self.engines.extract)?;
        writeln!(
            f,
            "the rules are fitted to nothing by this run; scores are {}",
            if self.engines.calibrated { "calibrated" } else { "not calibrated" }
        )?;
        if documents.unreadable > 0 {
            writeln!(f, "{} files could not be read", documents.unreadable)?;
        }
        let read = self.seconds.read.map_or("from the cache".to_owned(), |seconds| format!("{seconds:.2} s"));
        writeln!(
            f,
            "per document: read {read}, classify {:.1} ms, extract {:.1} ms",
            self.seconds.classify * 1e3,
            self.seconds.extract * 1e3
        )?;
        let kinds: Vec<String> = self.classify.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "kinds: {} ({} of {} as the set may have)", kinds.join(", "), self.classify.right, self.classify.n)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:<11}{:>5}{:>7}{:>7}{:>7}{:>14}  {:<23}{:<23}{:<20}{:>7}  {:<18}held out at 99 %",
            "field", "n", "found", "right", "wrong", "insufficient", "right rate", "coverage at 99 %", "ECE", "AUROC", "at threshold"
        )?;
        for (name, field) in &self.fields {
            let with = |value: f64, range: [f64; 2]| format!("{value:.3} [{:.3}, {:.3}]", range[0], range[1]);
            let at = &field.at_threshold;
            writeln!(
                f,
                "{name:<11}{:>5}{:>7}{:>7}{:>7}{:>14}  {:<23}{:<23}{:<20}{:>7}  {:<18}{}",
                field.n,
                field.found,
                field.right,
                field.wrong,
                field.insufficient,
                with(field.right_rate, field.intervals.right_rate),
                with(field.coverage_at_99, field.intervals.coverage_at_99),
                with(field.ece, field.intervals.ece),
                field.auroc.map_or("-".to_owned(), |auroc| format!("{auroc:.3}")),
                format!("{:.1}: {} of {}", at.threshold, at.right, at.answered),
                field
                    .held_out_at_99
                    .precision
                    .map_or("none answered".to_owned(), |precision| format!("{precision:.3} of {:.3}", field.held_out_at_99.coverage)),
            )?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "Intervals: 95 %, {} bootstrap rounds over issuers, seed {}. Held out: threshold chosen on the other {} of {} folds of issuers; precision of coverage.",
            self.statistics.bootstrap_rounds,
            self.statistics.seed,
            self.statistics.folds.saturating_sub(1),
            self.statistics.folds
        )?;
        match &self.claims {
            Some(claims) => write!(f, "\n{claims}"),
            None => Ok(()),
        }
    }
}
