//! The words of the log: departments, operations, names. All invented or generic.

/// A department, with its hours and its system.
pub(super) struct Department {
    pub(super) name: &'static str,
    /// Begins the numbers of its terminals: the department and the floor.
    pub(super) code: &'static str,
    /// 業務名.
    pub(super) system: &'static str,
    /// Its part of the staff, in hundredths.
    pub(super) share: u32,
    /// When its people start and stop, in minutes of the day. All within the margin of the default
    /// policy's calendar (08:00–17:45).
    pub(super) hours: (u32, u32),
    /// Whether the counter stays open at noon.
    pub(super) counter: bool,
}

/// The departments; the shares add up to 100.
#[rustfmt::skip]
pub(super) const DEPARTMENTS: [Department; 10] = [
    Department { name: "市民課",       code: "SIM-1F", system: "住民記録",     share: 19, hours: (8 * 60 + 15, 17 * 60 + 20), counter: true },
    Department { name: "税務課",       code: "ZEI-2F", system: "個人住民税",   share: 17, hours: (8 * 60 + 25, 17 * 60 + 20), counter: false },
    Department { name: "国保年金課",   code: "KOK-1F", system: "国民健康保険", share: 14, hours: (8 * 60 + 25, 17 * 60 + 15), counter: true },
    Department { name: "福祉課",       code: "FUK-3F", system: "障害者福祉",   share: 12, hours: (8 * 60 + 25, 17 * 60 + 20), counter: false },
    Department { name: "子育て支援課", code: "KOS-3F", system: "児童手当",     share: 10, hours: (8 * 60 + 20, 17 * 60 + 15), counter: true },
    Department { name: "介護保険課",   code: "KAG-3F", system: "介護保険",     share: 10, hours: (8 * 60 + 25, 17 * 60 + 15), counter: false },
    Department { name: "収納課",       code: "SHU-2F", system: "収納管理",     share: 7,  hours: (8 * 60 + 30, 17 * 60 + 30), counter: false },
    Department { name: "健康推進課",   code: "KEN-4F", system: "健康管理",     share: 6,  hours: (8 * 60 + 25, 17 * 60 + 10), counter: false },
    Department { name: "会計課",       code: "KAI-2F", system: "財務会計",     share: 3,  hours: (8 * 60 + 30, 16 * 60 + 30), counter: false },
    Department { name: "情報政策課",   code: "JOH-5F", system: "番号連携",     share: 2,  hours: (8 * 60 + 10, 17 * 60 + 30), counter: false },
];

/// The place of 情報政策課, whose people look things up in bulk as a matter of course.
pub(super) const IT_DEPARTMENT: u8 = 9;

/// 操作内容.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Operation {
    Login,
    Logout,
    Search,
    View,
    Update,
    Print,
    Export,
    ScreenCapture,
    BulkView,
    Media,
}

impl Operation {
    /// Every operation, in the order of its numbers.
    pub(super) const ALL: [Operation; 10] = [
        Operation::Login,
        Operation::Logout,
        Operation::Search,
        Operation::View,
        Operation::Update,
        Operation::Print,
        Operation::Export,
        Operation::ScreenCapture,
        Operation::BulkView,
        Operation::Media,
    ];

    /// As the log writes it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Operation::Login => "ログイン",
            Operation::Logout => "ログアウト",
            Operation::Search => "検索",
            Operation::View => "照会",
            Operation::Update => "更新",
            Operation::Print => "印刷",
            Operation::Export => "書き出し",
            Operation::ScreenCapture => "プリントスクリーン",
            Operation::BulkView => "一括照会",
            Operation::Media => "媒体書き出し",
        }
    }

    /// How often it fails, in hundred-thousandths: mistyped passwords, locked records, no right.
    pub(super) const fn failure_chance(self) -> u32 {
        match self {
            Operation::Login => 5_000,
            Operation::Search => 3_500,
            Operation::View | Operation::BulkView => 2_100,
            Operation::Update => 3_000,
            Operation::Print | Operation::Export | Operation::Media => 300,
            Operation::Logout | Operation::ScreenCapture => 0,
        }
    }
}

/// Family names.
#[rustfmt::skip]
pub(super) const FAMILY: [&str; 64] = [
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木",
    "山口", "松本", "井上", "木村", "林", "斎藤", "清水", "山崎", "森", "池田", "橋本", "阿部", "石川", "山下",
    "中島", "石井", "小川", "前田", "岡田", "長谷川", "藤田", "後藤", "近藤", "村上", "遠藤", "青木", "坂本",
    "斉藤", "福田", "太田", "西村", "藤井", "金子", "岡本", "藤原", "三浦", "中野", "中川", "原田", "松田",
    "竹内", "小野", "田村", "中山", "和田", "石田", "森田", "髙橋", "濵田", "山﨑", "能登谷",
];

/// Family names written with a 外字, and the same with the ordinary character.
#[rustfmt::skip]
pub(super) const FAMILY_GAIJI: [(&str, &str); 10] = [
    ("渡\u{E000}", "渡邊"), ("\u{E001}田", "吉田"), ("\u{E002}藤", "斎藤"), ("\u{E003}城", "葛城"), ("\u{E010}原", "榊原"),
    ("辻\u{E03E}", "辻本"), ("\u{E03F}島", "高島"), ("\u{E0BB}浦", "三浦"), ("小\u{E0BC}", "小栁"), ("\u{E757}見", "鷲見"),
];

/// Given names.
#[rustfmt::skip]
pub(super) const GIVEN: [&str; 64] = [
    "一郎", "健太", "大輔", "翔太", "拓也", "直樹", "浩二", "誠", "隆", "修", "学", "亮", "剛", "豊", "茂", "昇",
    "和也", "達也", "哲也", "雅人", "康弘", "英樹", "正人", "勝", "実", "裕之", "俊介", "悠斗", "陽太", "蓮", "颯太", "樹",
    "花子", "恵子", "裕子", "久美子", "陽子", "直美", "智子", "由美子", "真由美", "明美", "美穂", "香織", "恵", "愛", "舞", "彩",
    "美咲", "葵", "結衣", "陽菜", "千尋", "麻衣", "沙織", "優子", "幸子", "和子", "洋子", "京子", "早苗", "さくら", "ひかり", "みどり",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departments_keep_to_the_default_calendar() {
        assert_eq!(DEPARTMENTS.iter().map(|d| d.share).sum::<u32>(), 100);
        assert_eq!(DEPARTMENTS[IT_DEPARTMENT as usize].name, "情報政策課");
        for department in &DEPARTMENTS {
            let (open, close) = department.hours;
            assert!(
                open >= 8 * 60 && close < 17 * 60 + 45,
                "{}",
                department.name
            );
        }
    }

    #[test]
    fn every_name_can_be_written_in_every_encoding() {
        let plain = FAMILY_GAIJI.iter().map(|&(_, plain)| plain);
        for name in FAMILY.into_iter().chain(GIVEN).chain(plain) {
            for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
                assert!(!encoding.encode(name).2, "{name} in {}", encoding.name());
            }
        }
    }

    #[test]
    fn operations_are_numbered_in_order() {
        for (i, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, i);
        }
    }
}
