//! From a file or a text to a policy.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use super::conditions::Names;
use super::error::{Fault, PolicyError, position};
use super::tree::{self, Node, Table};
use super::{
    Calendar, Columns, Condition, DepartmentCalendar, Normalise, Policy, ResultWords, Scope,
    calendar, lists, log_sections, rules, scope,
};
use crate::words::of_system;

/// The default policy as people read it, with comments in Japanese and English.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// What the default policy is called in messages and reports.
const DEFAULT_NAME: &str = "default policy";

/// The sections of a policy.
const SECTIONS: [&str; 9] = [
    "columns",
    "normalise",
    "results",
    "operations",
    "lists",
    "calendar",
    "scope",
    "assume",
    "rules",
];

impl Policy {
    /// The policy that holds where nothing else is said: the Commission's five viewpoints.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn default_policy() -> Policy {
        static DEFAULT: OnceLock<Policy> = OnceLock::new();
        let read = || {
            let built = tree::from_toml(DEFAULT_TOML)
                .and_then(|root| build(&root, DEFAULT_NAME, None, &blank()));
            match built {
                Ok(policy) => Policy {
                    rules_are_default: true,
                    ..policy
                },
                Err(fault) => panic!("{}", fault.locate(DEFAULT_NAME, Some(DEFAULT_TOML))),
            }
        };
        DEFAULT.get_or_init(read).clone()
    }

    /// Reads a policy file (TOML, UTF-8). List files are relative to its directory.
    ///
    /// # Errors
    /// When the file cannot be read (`io` says why) or the policy is wrong.
    pub fn load(path: impl AsRef<Path>) -> Result<Policy, PolicyError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| PolicyError {
            io: Some(error.kind()),
            ..PolicyError::new(
                &name,
                "",
                (
                    format!("cannot read the policy: {error}"),
                    match error.kind() {
                        std::io::ErrorKind::NotFound => {
                            "ポリシーのファイルが見付かりません。場所と名前を確かめてください"
                                .to_owned()
                        }
                        _ => format!("ポリシーのファイルを読めません（{}）", of_system(&error).ja),
                    },
                ),
            )
        })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let (line, column) = position(&good, good.len());
            PolicyError {
                line: Some(line),
                column: Some(column),
                ..PolicyError::new(
                    &name,
                    "",
                    (
                        "a policy is saved as UTF-8; this file is not (in Notepad: Save as, Encoding: UTF-8)",
                        "ポリシーの文字コードが UTF-8 ではありません。メモ帳の「名前を付けて保存」で、文字コードを UTF-8 にして保存し直してください",
                    ),
                )
            }
        })?;
        Policy::from_toml(text, &name, path.parent())
    }

    /// Reads a policy from TOML. `name` is what messages call it; list files are relative to
    /// `base_dir`, or to the working directory.
    ///
    /// # Errors
    /// The first thing that is wrong with the policy, and where.
    pub fn from_toml(
        text: &str,
        name: &str,
        base_dir: Option<&Path>,
    ) -> Result<Policy, PolicyError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        tree::from_toml(text)
            .and_then(|root| build(&root, name, base_dir, &Policy::default_policy()))
            .map_err(|fault| fault.locate(name, Some(text)))
    }

    /// Reads a policy from a JSON object of the same shape as the TOML. Dates and times are
    /// strings, a key whose value is null counts as absent, list files are relative to the
    /// working directory.
    ///
    /// # Errors
    /// The first thing that is wrong with the policy; without a line unless the JSON itself is
    /// broken.
    pub fn from_json(text: &str, name: &str) -> Result<Policy, PolicyError> {
        let root = tree::from_json(text).map_err(|(line, column, message)| PolicyError {
            line: Some(line),
            column: Some(column.max(1)),
            ..PolicyError::new(name, "", message)
        })?;
        build(&root, name, None, &Policy::default_policy())
            .map_err(|fault| fault.locate(name, None))
    }
}

/// What the default policy itself starts from.
fn blank() -> Policy {
    Policy {
        name: DEFAULT_NAME.to_owned(),
        rules_are_default: true,
        columns: Columns::default(),
        normalise: Normalise::default(),
        results: ResultWords::default(),
        operations: Vec::new(),
        lists: BTreeMap::new(),
        calendar: Calendar {
            country: None,
            base: DepartmentCalendar {
                hours: [None; 7],
                margin: 0,
                closed: Vec::new(),
                open: Vec::new(),
            },
            overrides: Vec::new(),
        },
        scope: Scope::default(),
        assume: BTreeMap::new(),
        rules: Vec::new(),
    }
}

/// Checks every section and puts the policy together; sections that are absent are `default`'s.
fn build(
    root: &Table,
    name: &str,
    base_dir: Option<&Path>,
    default: &Policy,
) -> Result<Policy, Fault> {
    root.only(("section", "見出し"), &SECTIONS)?;
    let mut policy = default.clone();
    name.clone_into(&mut policy.name);
    if let Some(table) = section(root, "columns")? {
        policy.columns = log_sections::columns(table)?;
    }
    if let Some(table) = section(root, "normalise")? {
        policy.normalise = log_sections::normalise(table)?;
    }
    if let Some(table) = section(root, "results")? {
        policy.results = log_sections::results(table)?;
    }
    if let Some(table) = section(root, "operations")? {
        policy.operations = log_sections::operations(table)?;
    }
    if let Some(table) = section(root, "lists")? {
        policy.lists = lists::read(table, base_dir)?;
    }
    if let Some(table) = section(root, "calendar")? {
        policy.calendar = calendar::read(table, &default.calendar)?;
    }
    if let Some(table) = section(root, "assume")? {
        policy.assume = log_sections::assume(table)?;
    }
    if let Some(table) = section(root, "scope")? {
        policy.scope = scope::read(table, &Names::of(&policy))?;
    }
    match root.get("rules") {
        Some(node) if !node.one_or_more().is_empty() => {
            policy.rules = rules::read(node, &Names::of(&policy))?;
        }
        _ => default_rules_have_classes(root, &policy)?,
    }
    policy.rules_are_default = policy.rules == default.rules;
    Ok(policy)
}

fn section<'a>(root: &'a Table, name: &str) -> Result<Option<&'a Table>, Fault> {
    let what = (
        format!("a section, [{name}]"),
        format!("[{name}] の見出しで始まる項目のまとまり"),
    );
    root.get(name)
        .map(|node: &Node| node.table(what))
        .transpose()
}

/// A policy may define classes of its own and keep the default rules: these must find theirs.
fn default_rules_have_classes(root: &Table, policy: &Policy) -> Result<(), Fault> {
    let Some(node) = root.get("operations") else {
        return Ok(());
    };
    for rule in &policy.rules {
        let steps = rule.kind.steps().iter().map(|step| &step.filter);
        let filters = std::iter::once(&rule.filter).chain(steps);
        for condition in filters.flat_map(|filter| &filter.conditions) {
            let Condition::OperationClass(classes) = condition else {
                continue;
            };
            let known = |class: &String| policy.operations.iter().any(|c| c.name == *class);
            if let Some(class) = classes.iter().find(|class| !known(class)) {
                return Err(node.fail((
                    format!(
                        "the class \"{class}\" is missing, and the default policy's rule \"{}\" uses it: define it (an empty array for none), or write rules of your own",
                        rule.id
                    ),
                    format!(
                        "操作の分類 \"{class}\" がありません。既定の規則「{}」が使うので、{class} = [\"…\"] と書き加えてください（当たる操作がなければ {class} = []）。規則をすべて自分で書くなら要りません",
                        rule.id
                    ),
                )));
            }
        }
    }
    Ok(())
}
