use super::*;
use crate::individual::whole;

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Cp932, Encoding::EucJp];

/// The bytes of a text; what the encoding lacks is left out.
fn bytes(text: &str, encoding: Encoding) -> Vec<u8> {
    let table = match encoding {
        Encoding::Cp932 => encoding_rs::SHIFT_JIS,
        Encoding::EucJp => encoding_rs::EUC_JP,
        _ => encoding_rs::UTF_8,
    };
    text.chars()
        .flat_map(|c| {
            let text = c.to_string();
            let (bytes, _, lacks) = table.encode(&text);
            if lacks {
                Vec::new()
            } else {
                bytes.into_owned()
            }
        })
        .collect()
}

/// Numbers below which come out all the same every time.
fn chance() -> impl FnMut(usize) -> usize {
    let mut state = 3u64;
    move |n| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % n
    }
}

#[test]
fn bytes_are_passed_over_only_if_their_text_holds_no_number() {
    let forms = [
        "123456789018",
        "１２３４５６７８９０１８",
        "1234-5678-9018",
        "１２３４　５６７８　９０１８",
        "1２3４5６7８9０1８",
        "12345678901",
        "2026/04/06 22:00",
        "九十",
    ];
    let around = [
        "",
        "個人番号",
        "ソ表能",
        "P",
        "O1",
        " ",
        "ａ",
        "\"",
        "一二三",
    ];
    let mut below = chance();
    for encoding in ENCODINGS {
        let (mut found, mut passed_over) = (0, 0);
        for _ in 0..20_000 {
            let mut raw = bytes(around[below(around.len())], encoding);
            raw.extend(bytes(forms[below(forms.len())], encoding));
            raw.extend(bytes(around[below(around.len())], encoding));
            // Broken bytes as well.
            for _ in 0..below(3) {
                let at = below(raw.len() + 1);
                let broken = [0x81, 0x82, 0xA3, 0xEF, 0xBC, 0x8F, 0xE3, b'P', b'1'];
                raw.insert(at, broken[below(broken.len())]);
            }
            let holds = !find(&encoding.decode(&raw).0).is_empty();
            assert!(may_hold(&raw, encoding) || !holds, "{encoding:?} {raw:?}");
            found += usize::from(holds);
            passed_over += usize::from(!may_hold(&raw, encoding));
        }
        assert!(
            found > 3_000 && passed_over > 1_000,
            "{found} {passed_over}"
        );
    }
}

#[test]
fn a_cell_is_blank_if_its_text_is() {
    let parts = [
        "", " ", "\t", "\"", "\"\"", "\u{3000}", "\u{A0}", "\u{85}", "\u{2003}", "x", "0", "あ",
        "、", "ア", "漢", "é", "\u{1}", "\n",
    ];
    let mut below = chance();
    for encoding in ENCODINGS {
        let mut blank = 0;
        for _ in 0..20_000 {
            let mut raw = Vec::new();
            for _ in 0..below(4) {
                raw.extend(bytes(parts[below(parts.len())], encoding));
            }
            if below(3) == 0 {
                raw.insert(
                    0,
                    [0x81, 0xA1, 0xE3, 0xC2, 0x80, 0x85, 0xA0, 0x8E][below(8)],
                );
            }
            let expected = encoding.decode(&unquote(&raw)).0.trim().is_empty();
            assert_eq!(is_blank(&raw, encoding), expected, "{encoding:?} {raw:?}");
            blank += usize::from(expected);
        }
        assert!(blank > 1_000, "{blank}");
    }
}

#[test]
fn cells_count_the_same_one_by_one_and_remembered() {
    let mut below = chance();
    for distinct in [3, 1_000_000] {
        let cells: Vec<String> = (0..5_000)
            .map(|_| match below(20) {
                0 => "\"123456789018\"".to_owned(),
                1 => "個人番号 123456789018".to_owned(),
                2 => "\u{3000}".to_owned(),
                3 => "\"\"".to_owned(),
                4 => "123456789019".to_owned(),
                _ => format!("値{}", below(distinct)),
            })
            .collect();
        for encoding in ENCODINGS {
            let mut of = OfColumn::default();
            let (mut remembered, mut plain) = (Tally::default(), Tally::default());
            for (from, segment) in (0..).step_by(700).zip(cells.chunks(700)) {
                let mut look = Look::new(encoding, &mut of);
                for (at, cell) in (0..).zip(segment) {
                    let raw = bytes(cell, encoding);
                    look.at(&raw, at);
                    plain.add(&encoding.decode(&unquote(&raw)).0, from + at);
                }
                remembered.absorb(&look.end(), |at| from + at);
            }
            assert_eq!(remembered.has_many(), distinct > 1_000);
            assert_eq!(of.known.is_empty(), distinct > 1_000);
            assert_eq!(
                format!("{:?}", remembered.told()),
                format!("{:?}", plain.told())
            );
        }
    }
    assert!(whole("123456789018").is_some() && whole("123456789019").is_none());
}
