//! `Policy`: read, checked, written, amended.

use pyo3::prelude::*;
use serde_json::json;

use super::errors::{raise, raise_policy};
use crate::error::Error;
use crate::log::time::Zone;
use crate::policy::{self, DEFAULT_TOML, PolicyError, parse_scope_time, parse_where};

/// A checked policy.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct Policy {
    /// The core's.
    pub inner: policy::Policy,
}

fn checked(py: Python<'_>, read: Result<policy::Policy, PolicyError>) -> PyResult<Policy> {
    read.map(|inner| Policy { inner })
        .map_err(|e| raise_policy(py, &e))
}

#[pymethods]
impl Policy {
    #[staticmethod]
    fn load(py: Python<'_>, path: &str) -> PyResult<Policy> {
        checked(py, py.detach(|| policy::Policy::load(path)))
    }

    #[staticmethod]
    fn default() -> Policy {
        Policy {
            inner: policy::Policy::default_policy(),
        }
    }

    #[staticmethod]
    fn from_toml(py: Python<'_>, text: &str, name: &str) -> PyResult<Policy> {
        checked(py, policy::Policy::from_toml(text, name, None))
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str, name: &str) -> PyResult<Policy> {
        checked(py, policy::Policy::from_json(text, name))
    }

    /// The whole policy as TOML, what it leaves out written out.
    fn to_toml(&self) -> String {
        self.inner.to_toml()
    }

    /// Where it came from: a path, ``default policy``, ``<dict>``.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }

    /// The country whose public holidays close the day, or None.
    #[getter]
    fn country(&self) -> Option<&str> {
        self.inner.calendar.country.as_deref()
    }

    /// The rules in order, as a JSON array.
    fn rules_json(&self) -> String {
        let rules: Vec<_> = self
            .inner
            .rules
            .iter()
            .map(|r| {
                json!({
                    "id": r.id,
                    "kind": r.kind.name(),
                    "viewpoint": r.viewpoint,
                    "title_ja": r.title_ja,
                    "title_en": r.title_en,
                    "per": r.per.name(),
                    "optional": r.optional,
                })
            })
            .collect();
        serde_json::Value::Array(rules).to_string()
    }

    /// A copy amended by the arguments of a scan. Raises ``PolicyError``.
    #[allow(clippy::too_many_arguments)]
    fn with_overrides(
        &self,
        py: Python<'_>,
        columns_json: Option<&str>,
        time_format: Option<Vec<String>>,
        timezone: Option<String>,
        header: Option<bool>,
        from_: Option<&str>,
        to: Option<&str>,
        where_toml: Option<&str>,
    ) -> PyResult<Policy> {
        let mut inner = self.inner.clone();
        let wrong = |e: PolicyError| raise_policy(py, &e);
        if let Some(columns) = columns_json {
            let text = format!("{{\"columns\": {columns}}}");
            let given = policy::Policy::from_json(&text, "--column")
                .map_err(wrong)?
                .columns;
            inner.columns.map.extend(given.map);
        }
        if let Some(formats) = time_format {
            inner.columns.time_format = formats;
        }
        if let Some(name) = timezone {
            if Zone::named(&name).is_none() {
                let message = (
                    format!("{name} is no IANA time zone (such as Asia/Tokyo, UTC)"),
                    format!(
                        "タイムゾーン「{name}」はありません。Asia/Tokyo や UTC のような名前で指定してください"
                    ),
                );
                return Err(wrong(PolicyError::new(
                    "--timezone",
                    "columns.timezone",
                    message,
                )));
            }
            inner.columns.timezone = Some(name);
        }
        if header.is_some() {
            inner.columns.header = header;
        }
        if let Some(from) = from_ {
            inner.scope.from = Some(parse_scope_time(from, false).map_err(wrong)?);
        }
        if let Some(to) = to {
            inner.scope.to = Some(parse_scope_time(to, true).map_err(wrong)?);
        }
        if let (Some(from), Some(to)) = (inner.scope.from, inner.scope.to)
            && from >= to
        {
            let error = PolicyError::new(
                "--to",
                "scope.to",
                (
                    "the scope is empty: from is not before to",
                    "期間の終わり（--to）が、始まり（--from）より後になっていません。--to を --from より後にしてください",
                ),
            );
            return Err(wrong(error));
        }
        if let Some(text) = where_toml {
            let further = parse_where(text, &inner).map_err(wrong)?;
            inner.scope.filter.conditions.extend(further.conditions);
        }
        Ok(Policy { inner })
    }
}

/// The default policy as the commented TOML it is written in.
#[pyfunction]
pub fn default_policy_toml() -> &'static str {
    DEFAULT_TOML
}

/// Raises an error of the core that no callback is involved in.
pub fn raise_plain(py: Python<'_>, error: &Error) -> PyErr {
    raise(py, error, None)
}
