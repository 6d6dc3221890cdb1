//! Lists from files, and policies from files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::policy::{Key, List, Policy, PolicyError};
use crate::record::Field;

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path =
            std::env::temp_dir().join(format!("yokome-policy-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn list(&self, text: &str) -> Result<List, PolicyError> {
        let text = format!("[lists.x]\n{text}");
        let policy = Policy::from_toml(&text, "p.toml", Some(&self.0))?;
        Ok(policy.lists["x"].clone())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn values_from_files() {
    let dir = Directory::new("values");
    dir.write("plain.csv", "0001,税務課\r\n0002,\"a,b\"\r\n\r\n,\r\n");
    dir.write("bom.csv", "\u{FEFF}職員 番号,備考\n0001,x\n");
    dir.write("cp932.csv", b"\x90\x45\x88\xF5\x94\xD4\x8D\x86\n0001\n");
    dir.write("leave.tsv", "date\tuser\n2025/4/1\t0001\n20250402\t0002\n");
    let utf16: Vec<u8> = "\u{FEFF}0001\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    dir.write("utf16.csv", utf16);
    let user = Key::Field(Field::User);
    for (text, on, rows) in [
        (
            "file = \"plain.csv\"",
            vec![],
            vec![vec!["0001"], vec!["0002"]],
        ),
        (
            "file = \"plain.csv\"\ncolumns = 2",
            vec![],
            vec![vec!["税務課"], vec!["a,b"]],
        ),
        (
            "file = \"plain.csv\"\non = [\"user\", \"department\"]",
            vec![user, Key::Field(Field::Department)],
            vec![vec!["0001", "税務課"], vec!["0002", "a,b"]],
        ),
        (
            "file = \"bom.csv\"\nheader = true\non = \"user\"",
            vec![user],
            vec![vec!["0001"]],
        ),
        (
            "file = \"bom.csv\"\ncolumns = \"職員番号\"",
            vec![],
            vec![vec!["0001"]],
        ),
        (
            "file = \"bom.csv\"",
            vec![],
            vec![vec!["職員 番号"], vec!["0001"]],
        ),
        (
            "file = \"cp932.csv\"\ncolumns = [\"職員番号\"]",
            vec![],
            vec![vec!["0001"]],
        ),
        ("file = \"utf16.csv\"", vec![], vec![vec!["0001"]]),
        (
            "file = \"leave.tsv\"\non = [\"user\", \"date\"]\ncolumns = [\"USER\", 1]",
            vec![user, Key::Date],
            vec![vec!["0001", "2025-04-01"], vec!["0002", "2025-04-02"]],
        ),
    ] {
        let list = dir.list(text).unwrap();
        assert_eq!(list.on, on, "{text}");
        assert_eq!(list.rows, rows, "{text}");
        assert!(list.file.is_some());
    }
}

#[test]
fn faults_in_files() {
    let dir = Directory::new("faults");
    dir.write("leave.csv", "職員番号,日付\n0001,2025-04-01\n");
    dir.write("gap.csv", "0001,2025-04-01\n0002\n");
    dir.write("quote.csv", "0001\n\"0002\n");
    dir.write("bytes.csv", b"\xFF\xFF\xFD\n");
    for (text, file, line, message) in [
        (
            "file = \"leave.csv\"\non = [\"user\", \"date\"]",
            "leave.csv",
            Some(1),
            "column 2 (\"date\"): expected a date such as \"2025-04-01\" or \"2025/4/1\", found \"日付\"; if this line is a header, say header = true",
        ),
        (
            "file = \"gap.csv\"\non = [\"user\", \"date\"]",
            "gap.csv",
            Some(2),
            "column 2 (\"date\") is empty",
        ),
        (
            "file = \"quote.csv\"",
            "quote.csv",
            Some(2),
            "a quote that is opened here is never closed",
        ),
        (
            "file = \"bytes.csv\"",
            "bytes.csv",
            None,
            "the file is neither UTF-8 nor Shift_JIS (CP932) nor UTF-16 with a byte order mark",
        ),
        (
            "file = \"leave.csv\"\ncolumns = \"宛名番号\"",
            "leave.csv",
            Some(1),
            "unknown column \"宛名番号\"; allowed: 職員番号, 日付",
        ),
    ] {
        let error = dir.list(text).unwrap_err();
        assert_eq!(Path::new(&error.file), dir.0.join(file), "{text}");
        assert_eq!((error.line, error.column), (line, None), "{text}");
        assert_eq!(error.key, "lists.x.file");
        assert_eq!(error.message.en, message);
        super::assert_japanese(&error);
    }
    let error = dir.list("file = \"none.csv\"").unwrap_err();
    assert_eq!(error.io, Some(std::io::ErrorKind::NotFound));
    assert_eq!((error.file.as_str(), error.line), ("p.toml", Some(2)));
}

#[test]
fn policies_from_files() {
    let dir = Directory::new("policies");
    dir.write("vip.csv", "0001\n");
    let path = dir.write("p.toml", "\u{FEFF}[lists.vip]\r\nfile = \"vip.csv\"\r\n");
    let policy = Policy::load(&path).unwrap();
    assert_eq!(policy.name, path.display().to_string());
    assert_eq!(policy.lists["vip"].rows, [["0001"]]);
    let path = dir.write("bom.toml", "\u{FEFF}x = 1");
    let error = Policy::load(&path).unwrap_err();
    assert_eq!((error.line, error.column), (Some(1), Some(1)));

    let path = dir.write("cp932.toml", b"# a\nx = \"\x90\x45\"\n");
    let error = Policy::load(&path).unwrap_err();
    assert_eq!((error.line, error.column), (Some(2), Some(6)));
    assert!(error.message.en.starts_with("a policy is saved as UTF-8"));

    let error = Policy::load(dir.0.join("none.toml")).unwrap_err();
    assert_eq!(error.io, Some(std::io::ErrorKind::NotFound));
    assert_eq!(error.line, None);
    assert!(Policy::load(&dir.0).unwrap_err().io.is_some());
}
