//! Expected values are redis-server's replies.

use proptest::prelude::*;

use super::*;

fn point(longitude: f64, latitude: f64) -> Point {
    Point::new(longitude, latitude).expect("on the map")
}

/// Members and scores in the order of a sorted set.
fn sorted_set<'a>(places: &[(&'a str, f64, f64)]) -> Vec<(&'a str, f64)> {
    let scores = places.iter();
    let mut set: Vec<_> = scores
        .map(|&(name, longitude, latitude)| (name, encode(point(longitude, latitude))))
        .collect();
    set.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
    set
}

fn sicily() -> Vec<(&'static str, f64)> {
    sorted_set(&[
        ("Palermo", 13.361389, 38.115556),
        ("Catania", 15.087269, 37.502669),
        ("Agrigento", 13.583333, 37.316667),
        ("edge1", 12.5, 38.0),
        ("edge2", 17.24, 38.788135),
    ])
}

/// Places at the edges of the map.
fn world() -> Vec<(&'static str, f64)> {
    sorted_set(&[
        ("e", 180.0, 0.0),
        ("w", -180.0, 0.0),
        ("a", 179.9, 0.1),
        ("b", -179.9, 0.1),
        ("n", 0.0, MAX_LATITUDE),
        ("n2", 90.0, 85.0),
        ("n3", -180.0, MAX_LATITUDE),
        ("s", 0.0, -MAX_LATITUDE),
        ("o", 0.0, 0.0),
    ])
}

fn collect<'a>(
    set: &[(&'a str, f64)],
    center: (f64, f64),
    shape: Shape,
    at_most: Option<usize>,
) -> Vec<Hit<&'a str>> {
    let search = Search::new(point(center.0, center.1), shape, Unit::Kilometre);
    search.collect(at_most, |range| {
        let members = set.iter().copied();
        members.filter(move |&(_, score)| range.min <= score && score < range.end)
    })
}

fn described(hits: &[Hit<&str>]) -> String {
    let hits = hits.iter();
    let texts: Vec<_> = hits
        .map(|hit| format!("{} {}", hit.member, distance_text(hit.distance)))
        .collect();
    texts.join(", ")
}

fn names<'a>(hits: &[Hit<&'a str>]) -> Vec<&'a str> {
    hits.iter().map(|hit| hit.member).collect()
}

#[test]
fn scores_are_those_of_redis() {
    let expected = [
        ("edge1", 3478969960189637.0),
        ("Agrigento", 3479030013248308.0),
        ("Palermo", 3479099956230698.0),
        ("Catania", 3479447370796909.0),
        ("edge2", 3481342658654340.0),
    ];
    assert_eq!(sicily(), expected);
    let expected = [
        ("w", 1125899906842624.0),
        ("b", 1125901547119442.0),
        ("s", 2251799813685248.0),
        ("o", 3377699720527872.0),
        ("a", 4128300208097784.0),
        ("n2", 4315949368935696.0),
        ("n3", 4503599627370496.0),
        ("n", 6755399441055744.0),
        ("e", 10133099161583616.0),
    ];
    assert_eq!(world(), expected);
}

#[test]
fn coordinates_print_as_in_redis() {
    let printed = |score| {
        let place = decode(score);
        [place.longitude, place.latitude].map(coordinate_text)
    };
    for (score, expected) in [
        (
            3479099956230698.0,
            ["13.36138933897018433", "38.11555639549629859"],
        ),
        (
            3479447370796909.0,
            ["15.08726745843887329", "37.50266842333162032"],
        ),
        (10133099161583616.0, ["180", "0.00000126736058093"]),
        (
            1125899906842624.0,
            ["-179.99999731779098511", "0.00000126736058093"],
        ),
        (
            6755399441055744.0,
            ["0.00000268220901489", "85.0511287799999991"],
        ),
        (
            2251799813685248.0,
            ["0.00000268220901489", "-85.05112751263942528"],
        ),
    ] {
        assert_eq!(printed(score), expected);
    }
    for (score, expected) in [
        (
            f64::INFINITY,
            ["-179.99999731779098511", "-85.05112751263942528"],
        ),
        (f64::NEG_INFINITY, ["180", "-85.05112751263942528"]),
        (1e19, ["180", "85.0511287799999991"]),
        (-1e19, ["180", "-85.05112751263942528"]),
    ] {
        assert_eq!(printed(score), expected);
    }
    assert_eq!(coordinate_text(-0.0), "0");
    assert_eq!(coordinate_text(-100.0), "-100");
    // Halfway between two texts: the last digit becomes even.
    assert_eq!(coordinate_text(1.0 / 262_144.0), "0.00000381469726562");
    assert_eq!(coordinate_text(3.0 / 262_144.0), "0.00001144409179688");
}

#[test]
fn geohashes_have_eleven_characters() {
    let texts = |set: Vec<(&str, f64)>| -> Vec<String> {
        set.iter().map(|&(_, score)| geohash_text(score)).collect()
    };
    assert_eq!(
        texts(sicily())[1..4],
        ["sq9sm1716e0", "sqc8b49rny0", "sqdtr74hyu0"]
    );
    let world = texts(world());
    assert_eq!((&*world[0], &*world[8]), ("80000000000", "80000000000"));
    assert_eq!((&*world[2], &*world[7]), ("h0bh0hbj200", "up05b5048p0"));
    assert_eq!(world[3], "s0000000000");
}

#[test]
fn distances_print_with_four_digits() {
    let set = sicily();
    let metres = distance(decode(set[2].1), decode(set[3].1));
    for (unit, expected) in [
        ("m", "166274.1516"),
        ("KM", "166.2742"),
        ("mi", "103.3182"),
        ("ft", "545518.8700"),
    ] {
        let unit = Unit::parse(unit.as_bytes()).expect("a unit");
        assert_eq!(distance_text(metres / unit.metres()), expected);
    }
    assert_eq!(distance_text(0.0), "0.0000");
    // Above the middle, but rounded down, because scaling makes it a tie.
    assert_eq!(distance_text(40_244_777.842_45), "40244777.8424");
}

#[test]
fn finds_places_within_a_radius() {
    let set = sicily();
    let mut hits = collect(&set, (15.0, 37.0), Shape::Circle { radius: 200.0 }, None);
    assert_eq!(names(&hits), ["Agrigento", "Palermo", "Catania"]);
    arrange(&mut hits, Some(Order::Ascending), None);
    assert_eq!(
        described(&hits),
        "Catania 56.4413, Agrigento 130.4235, Palermo 190.4424"
    );
}

#[test]
fn finds_places_within_a_box() {
    let set = sicily();
    let shape = Shape::Box {
        width: 400.0,
        height: 400.0,
    };
    let mut hits = collect(&set, (15.0, 37.0), shape, None);
    arrange(&mut hits, Some(Order::Ascending), None);
    assert_eq!(
        described(&hits),
        "Catania 56.4413, Agrigento 130.4235, Palermo 190.4424, edge2 279.6470"
    );
    arrange(&mut hits, Some(Order::Descending), Some(2));
    assert_eq!(names(&hits), ["edge2", "Palermo"]);
}

#[test]
fn searches_across_the_date_line_and_near_a_pole() {
    let set = world();
    let circle = |center, radius| collect(&set, center, Shape::Circle { radius }, None);
    assert_eq!(
        described(&circle((179.95, 0.0), 50.0)),
        "a 12.4356, w 5.5616, b 20.0517"
    );
    assert_eq!(described(&circle((0.0, 85.0), 1000.0)), "n2 785.9890");
    let shape = Shape::Box {
        width: 2000.0,
        height: 300.0,
    };
    assert_eq!(
        described(&collect(&set, (10.0, 85.0), shape, None)),
        "n2 714.4159"
    );
}

#[test]
fn the_whole_world_is_told_cell_by_cell() {
    let set = world();
    let shape = Shape::Circle { radius: 30_000.0 };
    let all = collect(&set, (10.0, 10.0), shape, None);
    assert_eq!(names(&all), ["o", "a", "n2", "s", "w", "b"]);
    let any = collect(&set, (10.0, 10.0), shape, Some(4));
    assert_eq!(names(&any), ["o", "a", "n2", "s"]);
}

#[test]
fn refuses_what_is_not_on_the_map() {
    let text = |longitude, latitude| {
        let refused = Point::new(longitude, latitude).expect_err("not on the map");
        refused.to_string()
    };
    for (longitude, latitude, expected) in [
        (181.0, 1.0, "181.000000,1.000000"),
        (1.0, -86.5, "1.000000,-86.500000"),
        (f64::INFINITY, 1e10, "inf,10000000000.000000"),
    ] {
        let expected = format!("ERR invalid longitude,latitude pair {expected}");
        assert_eq!(text(longitude, latitude), expected);
    }
    assert_eq!(Unit::parse(b"yd"), Err(GeoError::Unit));
    assert_eq!(Shape::circle(-1.0), Err(GeoError::Radius));
    assert_eq!(Shape::rectangle(1.0, -1.0), Err(GeoError::Box));
    assert_eq!(Shape::circle(0.0), Ok(Shape::Circle { radius: 0.0 }));
}

#[test]
fn places_at_one_distance_stay_in_their_order() {
    let hit = |member, distance| Hit {
        member,
        score: 0.0,
        distance,
    };
    let mut hits = vec![hit('a', 2.0), hit('b', 1.0), hit('c', 2.0), hit('d', 1.0)];
    arrange(&mut hits, Some(Order::Descending), None);
    let order: String = hits.iter().map(|hit| hit.member).collect();
    assert_eq!(order, "acbd");
    arrange(&mut hits, Some(Order::Ascending), Some(3));
    let order: String = hits.iter().map(|hit| hit.member).collect();
    assert_eq!(order, "bda");
}

/// Places and centers in one region, so that searches find something.
fn region() -> impl Strategy<Value = (Vec<Point>, Point)> {
    let place = |east: f64, north: f64| {
        let near = move |(x, y): (f64, f64)| {
            let longitude = (east + x + 540.0) % 360.0 - 180.0;
            point(longitude, (north + y).clamp(-60.0, 60.0))
        };
        (-5.0..5.0, -5.0..5.0).prop_map(near)
    };
    (-180.0..180.0, -60.0..60.0).prop_flat_map(move |(east, north)| {
        (
            prop::collection::vec(place(east, north), 0..60),
            place(east, north),
        )
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let length = || (-2.0..3.0_f64).prop_map(|exponent| 10_f64.powf(exponent));
    prop_oneof![
        length().prop_map(|radius| Shape::Circle { radius }),
        (length(), length()).prop_map(|(width, height)| Shape::Box { width, height }),
    ]
}

proptest! {
    #[test]
    fn decoding_gives_a_place_within_half_a_cell(
        longitude in -180.0..=180.0,
        latitude in -MAX_LATITUDE..=MAX_LATITUDE,
    ) {
        let decoded = decode(encode(point(longitude, latitude)));
        let cells = f64::from(1 << 26);
        prop_assert!((decoded.longitude - longitude).abs() <= 180.001 / cells);
        prop_assert!((decoded.latitude - latitude).abs() <= MAX_LATITUDE * 1.001 / cells);
        prop_assert_eq!(encode(decoded), encode(point(longitude, latitude)));
    }

    /// Away from the poles, the cells miss nothing.
    #[test]
    fn a_search_finds_what_a_scan_finds((places, center) in region(), shape in shape()) {
        let search = Search::new(center, shape, Unit::Kilometre);
        let scores: Vec<f64> = places.into_iter().map(encode).collect();
        let mut found: Vec<(usize, f64)> = search
            .collect(None, |range| {
                let members = scores.iter().copied().enumerate();
                let within = move |&(_, score): &(usize, f64)| range.min <= score && score < range.end;
                members.filter(within)
            })
            .into_iter()
            .map(|hit| (hit.member, hit.distance))
            .collect();
        found.sort_by_key(|&(member, _)| member);
        let scanned: Vec<(usize, f64)> = scores
            .iter()
            .enumerate()
            .filter_map(|(member, &score)| Some((member, search.distance_within(score)?)))
            .collect();
        prop_assert_eq!(found, scanned);
    }

    #[test]
    fn any_score_stands_for_a_place_on_the_map(score in any::<f64>()) {
        let place = decode(score);
        prop_assert!(Point::new(place.longitude, place.latitude).is_ok());
        prop_assert_eq!(geohash_text(score).len(), 11);
    }
}

/// Numbers from 0 to 1 that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn place(&mut self, span: f64) -> Point {
        let longitude = self.next() * 360.0 - 180.0;
        point(longitude, (self.next() * 2.0 - 1.0) * span)
    }
}

/// Many unsorted searches in one set. The number and the checksum are those of the members that
/// redis-server 7.0.15 returned for the same GEOADD and GEOSEARCH commands.
#[test]
fn finds_the_same_in_the_same_order_all_over_the_map() {
    let mut numbers = Numbers(1);
    let mut set: Vec<(String, f64)> = (0..1000)
        .map(|member| (member.to_string(), encode(numbers.place(MAX_LATITUDE))))
        .collect();
    set.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut found, mut sum) = (0, 0_u64);
    for search in 0..600 {
        let mut center = numbers.place(MAX_LATITUDE);
        if search % 4 > 1 {
            // Near a pole.
            let latitude = center.latitude.abs() / 4.0 + 63.0;
            center.latitude = latitude.copysign(center.latitude);
        }
        let mut kilometres = || 10_f64.powf(1.0 + numbers.next() * 3.3).round();
        let (width, height) = (kilometres(), kilometres());
        let shape = if search % 2 == 0 {
            Shape::Circle { radius: width }
        } else {
            Shape::Box { width, height }
        };
        let search = Search::new(center, shape, Unit::Kilometre);
        let hits = search.collect(None, |range| {
            let members = set.iter();
            members
                .filter(move |&&(_, score)| range.min <= score && score < range.end)
                .map(|(member, score)| (member, *score))
        });
        found += hits.len();
        for byte in hits.iter().flat_map(|hit| hit.member.bytes().chain([b' '])) {
            sum = sum.wrapping_mul(31).wrapping_add(u64::from(byte));
        }
    }
    assert_eq!((found, sum), (43_732, 0x9464_8c17_4cee_5584));
}
