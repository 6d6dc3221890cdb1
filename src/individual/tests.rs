use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::column::{Cells, Nature};
use super::mask::{Mask, masked, masked_but, masked_excerpt};
use super::tally::Tally;
use super::*;
use crate::policy::Key;
use crate::record::Field;

/// The check digit as the formula is written, of eleven digits P₁₁ … P₁.
fn by_formula(digits: &[u8]) -> u8 {
    let p = |n: usize| u32::from(digits[11 - n]);
    let q = |n: usize| u32::try_from(if n <= 6 { n + 1 } else { n - 5 }).unwrap();
    let remainder = (1..=11).map(|n| p(n) * q(n)).sum::<u32>() % 11;
    if remainder <= 1 {
        0
    } else {
        u8::try_from(11 - remainder).unwrap()
    }
}

fn eleven(n: u64) -> Vec<u8> {
    format!("{n:011}").bytes().map(|b| b - b'0').collect()
}

/// An arbitrary number that passes.
fn number(n: u64) -> String {
    let mut digits = eleven(n * 7_919 % 100_000_000_000);
    digits.push(by_formula(&digits));
    digits.into_iter().map(|d| char::from(d + b'0')).collect()
}

#[test]
fn one_last_digit_in_ten_passes() {
    for n in (0..100_000_000_000u64).step_by(99_999_989) {
        let digits = eleven(n);
        let expected = by_formula(&digits);
        for last in 0..10 {
            let number: Number = std::array::from_fn(|i| *digits.get(i).unwrap_or(&last));
            assert_eq!(passes(&number), last == expected, "{number:?}");
        }
    }
    // Published as an example of a number that is valid.
    assert!(whole("123456789018").is_some());
}

#[test]
fn numbers_are_found_where_they_stand_alone() {
    let found = |text: &str| -> Vec<String> {
        find(text)
            .iter()
            .map(|f| text[f.start..f.end].to_owned())
            .collect()
    };
    for (text, expected) in [
        ("123456789018", &["123456789018"][..]),
        ("個人番号：123456789018。", &["123456789018"]),
        ("a123456789018b", &["123456789018"]),
        ("１２３４５６７８９０１８", &["１２３４５６７８９０１８"]),
        // Four digits before, with another sign.
        ("0000 0001 1234-5678-9018", &["1234-5678-9018"]),
        ("0000 0000 0001 0002 1234-5678-9018", &["1234-5678-9018"]),
        ("1234-5678-9018", &["1234-5678-9018"]),
        ("x 1234 5678 9018", &["1234 5678 9018"]),
        (
            "１２３４　５６７８　９０１８",
            &["１２３４　５６７８　９０１８"],
        ),
        (
            "123456789018,123456789018",
            &["123456789018", "123456789018"],
        ),
        ("1234-5678-9018 1", &["1234-5678-9018"]),
        ("123456789019", &[]),
        ("0123456789018", &[]),
        ("1234567890180", &[]),
        ("12345678901", &[]),
        ("1234-5678 9018", &[]),
        ("1234--5678--9018", &[]),
        ("123-45678-9018", &[]),
        ("1234-5678-9018-1234", &[]),
        ("1111-1234-5678-9018", &[]),
        ("2026/04/06 22:00:00", &[]),
        ("", &[]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn a_masked_text_has_its_length_and_no_number() {
    for (text, expected) in [
        ("検索 123456789018 を表示", "検索 ************ を表示"),
        ("1234-5678-9018", "****-****-****"),
        ("１２３４５６７８９０１８", "************"),
        ("123456789019", "123456789019"),
    ] {
        assert_eq!(masked(text), expected);
        assert_eq!(text.chars().count(), expected.chars().count());
        assert_eq!(masked(expected), expected);
    }
    let known = [find("123456789018")[0].number];
    assert_eq!(masked_but("1,123456789018", &known), "1,123456789018");
    assert_eq!(masked_excerpt("x,12345678901", 13), "x,***********");
    assert_eq!(masked_excerpt("x,1234-56", 9), "x,****-**");
    assert_eq!(masked_excerpt("x,12,y", 6), "x,12,y");
    assert_eq!(masked_excerpt("x,12345", 200), "x,12345");
}

#[test]
fn context_is_a_name_nearby() {
    for (text, expected) in [
        ("個人番号 123456789018", true),
        ("マイナンバー:123456789018", true),
        ("My Number = 123456789018", true),
        ("MY_NUMBER=123456789018", true),
        ("123456789018（個人番号）", true),
        ("伝票 123456789018", false),
        (
            "個人番号の件は別紙のとおり。なお伝票の番号としては次のものを使うこと 123456789018",
            false,
        ),
    ] {
        let found = find(text);
        assert_eq!(is_named(text, &found[0]), expected, "{text}");
    }
}

#[test]
fn columns_are_judged_by_header_and_values() {
    let nature = |header: &str, values: &[String]| {
        let (mut cells, mut tally) = (Cells::default(), Tally::default());
        for (at, value) in (0..).zip(values) {
            cells.add(value);
            tally.add(value, at);
        }
        let nature = cells.nature(header);
        assert_eq!(
            tally.nature(header) == Nature::Numbers,
            nature == Nature::Numbers
        );
        let numbers = tally.numbers(tally.nature(header));
        let numbers = numbers.map(|n| (n.count, n.first.unwrap()));
        (nature, numbers)
    };
    let numbers: Vec<String> = (1..=20).map(number).collect();
    let others: Vec<String> = (1..=20)
        .map(|n| format!("{:012}", n * 987_654_321u64))
        .collect();
    assert_eq!(
        nature("宛名番号", &numbers),
        (Nature::Numbers, Some((20, 0)))
    );
    assert_eq!(nature("宛名番号", &others), (Nature::Others, None));
    // One hit among others; too few to tell; few, but the header says so.
    let mixed = [&others[..], &numbers[..1]].concat();
    assert_eq!(nature("宛名番号", &mixed), (Nature::Others, None));
    assert_eq!(nature("宛名番号", &numbers[..4]).0, Nature::Unknown);
    assert_eq!(
        nature("マイナンバー", &numbers[..1]),
        (Nature::Numbers, Some((1, 0)))
    );
    assert_eq!(nature("個人番号", &others).0, Nature::Others);
    let yes = ["あり".to_owned(), "なし".to_owned()];
    assert_eq!(nature("個人番号参照", &yes), (Nature::Unknown, None));
    // The same number again and again is one value.
    let same = vec![numbers[0].clone(); 20];
    assert_eq!(nature("伝票", &same).0, Nature::Unknown);
    let texts = [
        "備考なし".to_owned(),
        format!("マイナンバー {}", numbers[0]),
    ];
    assert_eq!(nature("備考", &texts), (Nature::Unknown, Some((1, 1))));
}

#[test]
fn masked_ids_stay_apart_and_other_texts_are_only_masked() {
    let mask = Mask::new(true, Vec::new());
    let (user, operation) = (Key::Field(Field::User), Key::Field(Field::Operation));
    let numbers: Vec<String> = (1..=3).map(number).collect();
    let shown = |mask: &Mask, key, text: &str| mask.value(key, text).into_owned();
    for (place, text) in [(1, 2), (2, 0), (1, 2), (3, 1), (2, 0)] {
        let expected = format!("************#{place}");
        assert_eq!(shown(&mask, user, &numbers[text]), expected);
    }
    // Fields are counted apart, and so is another way of writing a number.
    let terminal = Key::Field(Field::Terminal);
    let named = format!("PC-{}", numbers[0]);
    assert_eq!(shown(&mask, terminal, &named), "PC-************#1");
    let grouped = "1234-5678-9018";
    assert_eq!(shown(&mask, user, grouped), "****-****-****#4");
    assert_eq!(shown(&mask, user, "12345"), "12345");
    assert_eq!(shown(&mask, operation, &numbers[0]), "************");
    let off = Mask::new(false, Vec::new());
    assert_eq!(shown(&off, user, &numbers[0]), numbers[0]);
    assert!(mask.is_on() && !off.is_on());
}

#[test]
fn nothing_is_overlooked_at_the_first_glance() {
    // 123456789018 and 000000000000 pass; what is put together here holds them now and then.
    let parts = [
        "123456789018",
        "1234",
        "5678",
        "9018",
        "0000",
        "000000000000",
        "１２３４",
        "5678９018",
        "1",
        "12345",
        "-",
        " ",
        "\u{3000}",
        ",",
        "税",
        "",
        "ｱ",
        "：",
    ];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
    let mut some = 0;
    for _ in 0..200_000 {
        let n = random.next_u64();
        let text: String = (0..n % 9)
            .map(|i| parts[usize::try_from((n >> (5 * i + 8)) % parts.len() as u64).unwrap()])
            .collect();
        let found = find(&text);
        some += usize::from(!found.is_empty());
        assert_eq!(found, find_slowly(&text), "{text:?}");
    }
    assert!(some > 1000, "{some}");
}

/// Texts of digits, signs and letters that lie close to what a number looks like.
fn near_numbers() -> impl Iterator<Item = String> {
    const SIGNS: [&str; 12] = [
        "-",
        "‐",
        "－",
        "ー",
        " ",
        "\u{3000}",
        "--",
        "x",
        "個",
        "",
        "、",
        "\u{1F600}",
    ];
    let wide = |text: &str| -> String {
        let wide = |c: char| char::from_u32('０' as u32 + c.to_digit(10)?);
        text.chars().map(|c| wide(c).unwrap_or(c)).collect()
    };
    let mut state = 1u64;
    let mut below = move |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % n
    };
    (0..40_000).map(move |n| {
        let number = number(n);
        let sign = SIGNS[usize::try_from(below(12)).unwrap()];
        let part = |from: usize| number[from..from + 4].to_owned();
        let core = match below(4) {
            0 => number.clone(),
            1 => [part(0), part(4), part(8)].join(sign),
            2 => format!("{}{sign}{}", &number[..5], &number[5..]),
            _ => format!("{}{sign}{}-{}", part(0), part(4), part(8)),
        };
        let core = if below(3) == 0 { wide(&core) } else { core };
        let edge = ["", "", "1", "a", " ", "1234-", "-1234", "番号", "1111 "];
        let mut edge = || edge[usize::try_from(below(9)).unwrap()];
        format!("{}{core}{}", edge(), edge())
    })
}

#[test]
fn the_quick_look_misses_no_number() {
    let (mut found, mut passed_over) = (0, 0);
    for text in near_numbers() {
        let may_hold = super::runs::may_hold(&text);
        let holds = !super::find_slowly(&text).is_empty();
        assert!(may_hold || !holds, "{text}");
        found += usize::from(holds);
        passed_over += usize::from(!may_hold);
    }
    assert!(
        found > 5_000 && passed_over > 5_000,
        "{found} {passed_over}"
    );
}

/// A header, the cell of each record, and whether that is a column of numbers.
type Kind<'a> = (&'a str, &'a dyn Fn(u64) -> String, bool);

#[test]
fn a_column_is_judged_by_its_totals_however_it_was_cut() {
    let placeholder = |n: u64| ["-", "なし", " "][usize::try_from(n % 3).unwrap()].to_owned();
    let kinds: [Kind<'_>; 8] = [
        ("備考", &number, true),
        ("備考", &|n| number(n % 5), true),
        ("備考", &|n| number(n % 4), false),
        (
            "備考",
            &|n| {
                if n % 2 == 0 {
                    number(n)
                } else {
                    placeholder(n)
                }
            },
            true,
        ),
        (
            "備考",
            &|n| {
                if n % 3 == 0 {
                    number(n)
                } else {
                    format!("{n}番")
                }
            },
            false,
        ),
        (
            "備考",
            &|n| {
                if n < 3_700 {
                    number(n)
                } else {
                    format!("{n}番")
                }
            },
            true,
        ),
        (
            "個人番号",
            &|n| {
                if n == 3_999 {
                    number(n)
                } else {
                    placeholder(0)
                }
            },
            true,
        ),
        (
            "個人番号",
            &|n| {
                if n == 3_999 {
                    number(n)
                } else {
                    format!("{n}")
                }
            },
            false,
        ),
    ];
    for (at, (header, cell, expected)) in kinds.into_iter().enumerate() {
        let cells: Vec<String> = (0..4_000).map(cell).collect();
        let mut verdicts = Vec::new();
        for (size, turned) in [(4_000, false), (7, false), (7, true), (1_000, true)] {
            let blocks: Vec<(u64, Tally)> = (0..)
                .zip(cells.chunks(size))
                .map(|(block, cells)| {
                    let mut tally = Tally::default();
                    for (at, cell) in (0..).zip(cells) {
                        tally.add(cell, at);
                    }
                    (block * size as u64 + 2, tally)
                })
                .collect();
            let mut all = Tally::default();
            let mut order: Vec<usize> = (0..blocks.len()).collect();
            if turned {
                order.reverse();
            }
            for at in order {
                let (first, tally) = &blocks[at];
                all.absorb(tally, |at| first + at);
            }
            let nature = all.nature(header);
            verdicts.push((nature == Nature::Numbers, all.numbers(nature)));
        }
        assert_eq!(verdicts[0].0, expected, "{at}");
        assert!(
            verdicts.iter().all(|v| *v == verdicts[0]),
            "{at} {verdicts:?}"
        );
        let whole = cells.iter().filter(|c| super::whole(c).is_some()).count();
        let line = cells.iter().position(|c| super::whole(c).is_some());
        let places = verdicts[0].1.map(|p| (p.count, p.first));
        let told = (whole as u64, line.map(|at| at as u64 + 2));
        assert_eq!(places, expected.then_some(told), "{at}");
    }
}
