"""A first mapping: real sets of headers, doubtful dates, and what no file may bring about."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.events.guess import explain, guess
from regulars.events.mapping import EXTRA, FIELDS, Mapping
from regulars.events.timeformat import detect
from regulars.events.times import to_time

ORDER = {"type": "order_completed"}

# id: headers, rows ("|" between cells), currency of the shop, mapping.
FILES: dict[str, tuple[str, list[str], str, Mapping]] = {
    "uci_online_retail": (
        "InvoiceNo|StockCode|Description|Quantity|InvoiceDate|UnitPrice|CustomerID|Country",
        ["536365|85123A|WHITE HANGING HEART|6|12/1/2010 8:26|2.55|17850|United Kingdom"],
        "EUR",
        Mapping(
            "till",
            {
                "time": "InvoiceDate",
                "customer_id": "CustomerID",
                "order_id": "InvoiceNo",
                "product_id": "StockCode",
                "title": "Description",
                "quantity": "Quantity",
                "unit_price": "UnitPrice",
                "properties.country": "Country",
            },
            ORDER | {"currency": "GBP"},
            "%m/%d/%Y %H:%M",
        ),
    ),
    "uci_online_retail_ii": (
        "Invoice|StockCode|Description|Quantity|InvoiceDate|Price|Customer ID|Country",
        ["489434|85048|15CM CHRISTMAS GLASS BALL|12|2009-12-01 07:45:00|6,95|13085.0|United Kingdom"],
        "GBP",
        Mapping(
            "till",
            {
                "time": "InvoiceDate",
                "customer_id": "Customer ID",
                "order_id": "Invoice",
                "product_id": "StockCode",
                "title": "Description",
                "quantity": "Quantity",
                "unit_price": "Price",
                "properties.country": "Country",
            },
            ORDER | {"currency": "GBP"},
            decimal=",",
        ),
    ),
    "uci_without_invoice_and_stock_code": (
        "Description|Quantity|InvoiceDate|UnitPrice|CustomerID|Country",
        ["WHITE METAL LANTERN|6|01-12-2010 08:26|3.39|17850|France"],
        "GBP",
        Mapping(
            "till",
            {
                "time": "InvoiceDate",
                "customer_id": "CustomerID",
                "product_id": "Description",
                "title": "Description",
                "quantity": "Quantity",
                "unit_price": "UnitPrice",
                "properties.country": "Country",
            },
            ORDER | {"currency": "GBP"},
            "%d-%m-%Y %H:%M",
        ),
    ),
    "clicks_of_a_multi_category_store": (
        "event_time|event_type|product_id|category_id|category_code|brand|price|user_id|user_session",
        [
            "2019-10-01 00:00:00 UTC|view|44600062|2103807459595387724||shiseido|35.79|541312140|72d7",
            "2019-10-01 00:00:04 UTC|cart|3900821|2053013552326770905|appliances.kettle|aqua|33.20|554748717|9333",
        ],
        "USD",
        Mapping(
            "till",
            {
                "time": "event_time",
                "type": "event_type",
                "customer_id": "user_id",
                "product_id": "product_id",
                "unit_price": "price",
                "category": "category_code",
                "brand": "brand",
                "session_id": "user_session",
            },
            {"currency": "USD"},
        ),
    ),
    "retailrocket": (
        "timestamp|visitorid|event|itemid|transactionid",
        ["1433221332117|257597|view|355908|", "1433223236124|287857|transaction|5206|4000"],
        "USD",
        Mapping(
            "till",
            {
                "time": "timestamp",
                "type": "event",
                "order_id": "transactionid",
                "customer_id": "visitorid",
                "product_id": "itemid",
            },
            {"currency": "USD"},
            "unix_ms",
        ),
    ),
    "taobao_user_behaviour": (
        "user_id|item_id|category_id|behavior_type|timestamp",
        ["1|2268318|2520377|pv|1511544070", "1|2333346|2520771|buy|1511561733"],
        "CNY",
        Mapping(
            "till",
            {
                "time": "timestamp",
                "type": "behavior_type",
                "customer_id": "user_id",
                "product_id": "item_id",
                "category": "category_id",
            },
            {"currency": "CNY"},
            "unix",
        ),
    ),
    "taobao_orders": (
        "订单编号|买家会员名|买家应付货款|总金额|买家实际支付金额|订单状态|收货人姓名|订单创建时间|订单付款时间|宝贝标题|宝贝总数量|物流单号|店铺Id",
        [
            "2024050110001|tb_阿红|59.80|59.80|49.80|交易成功|红|2024-05-01 10:02:11|2024-05-01 10:02:30|正山小种红茶|2|YT77|88"
        ],
        "CNY",
        Mapping(
            "till",
            {
                "time": "订单创建时间",
                "order_id": "订单编号",
                "customer_id": "买家会员名",
                "product_id": "宝贝标题",
                "title": "宝贝标题",
                "quantity": "宝贝总数量",
                "amount": "总金额",
                "properties.store": "店铺Id",
            },
            ORDER | {"currency": "CNY"},
        ),
    ),
    "youzan_order_lines": (
        "订单号|订单创建时间|商品名称|商品编码|商品单价（元）|商品数量|商品实际成交金额|买家手机号|收货人省份|订单渠道|优惠券",
        [
            "E20240501|2024/5/1 10:02|龙井|LJ-01|¥128.00|2|￥246.00|13800000001|浙江省|小程序|迎新券",
            "E20240502|2024/5/2 9:15|红茶|HC-02|¥1,299.00|1|￥1,299.00|13800000002|广东省|门店|",
        ],
        "CNY",
        Mapping(
            "till",
            {
                "time": "订单创建时间",
                "order_id": "订单号",
                "customer_id": "买家手机号",
                "product_id": "商品编码",
                "title": "商品名称",
                "quantity": "商品数量",
                "unit_price": "商品单价（元）",
                "amount": "商品实际成交金额",
                "channel": "订单渠道",
                "properties.region": "收货人省份",
                "properties.coupon": "优惠券",
            },
            ORDER | {"currency": "CNY"},
            "%Y/%m/%d %H:%M",
        ),
    ),
    "pinduoduo_orders": (
        "订单号|商品|商品数量(件)|商品id|用户实付金额(元)|订单成交时间|支付方式",
        [
            "240501-1|茶杯 白色|1|55001|19.9|2024年5月1日 10时02分|微信",
            "240501-2|茶壶|2|55002|99|2024年5月1日 11时30分|支付宝",
        ],
        "CNY",
        Mapping(
            "till",
            {
                "time": "订单成交时间",
                "order_id": "订单号",
                "product_id": "商品id",
                "title": "商品",
                "quantity": "商品数量(件)",
                "amount": "用户实付金额(元)",
                "properties.payment_method": "支付方式",
            },
            ORDER | {"currency": "CNY"},
            "%Y年%m月%d日 %H时%M分",
        ),
    ),
    "members_till_in_chinese": (
        "日期|时间|会员编号|小票号|货号|品名|数量|单价|金额|性别|年龄|品牌|类目",
        [
            "20240501|10:02|M001|88001|T-1|红茶|2|10|20|女|31|福|茶叶",
            "20240502|10:05|M002|88002|T-2|绿茶|1|12|12|男|40|福|茶叶",
        ],
        "CNY",
        Mapping(
            "till",
            {
                "time": "日期",
                "order_id": "小票号",
                "customer_id": "会员编号",
                "product_id": "货号",
                "title": "品名",
                "quantity": "数量",
                "unit_price": "单价",
                "amount": "金额",
                "category": "类目",
                "brand": "品牌",
            },
            ORDER | {"currency": "CNY"},
            "%Y%m%d",
        ),
    ),
    "chinese_event_log": (
        "事件类型|用户ID|会话ID|设备ID|商品ID|搜索词|渠道|时间",
        [
            "搜索|u1|s1|d-1||红茶|APP|2024-05-01T10:02:11+08:00",
            "浏览|u1|s1|d-1|55001||APP|2024-05-01T10:02:40+08:00",
        ],
        "CNY",
        Mapping(
            "till",
            {
                "time": "时间",
                "type": "事件类型",
                "customer_id": "用户ID",
                "product_id": "商品ID",
                "session_id": "会话ID",
                "query": "搜索词",
                "channel": "渠道",
                "device_id": "设备ID",
            },
            {"currency": "CNY"},
        ),
    ),
    "shopify_orders": (
        "Name|Email|Financial Status|Currency|Subtotal|Total|Discount Code|Created at|Lineitem quantity|Lineitem name|"
        "Lineitem price|Lineitem sku|Billing Country|Vendor|Id|Source",
        [
            "#1001|ada@example.org|paid|USD|30.00|35.00|SPRING|2024-05-01 10:02:11 -0400|2|Tea - Red|10.00|T-1|US|Leaf|77|web",
            "#1001|ada@example.org|||||||1|Cup|10.00|C-1||Leaf||",
        ],
        "EUR",
        Mapping(
            "till",
            {
                "time": "Created at",
                "customer_id": "Email",
                "product_id": "Lineitem sku",
                "title": "Lineitem name",
                "quantity": "Lineitem quantity",
                "unit_price": "Lineitem price",
                "currency": "Currency",
                "brand": "Vendor",
                "channel": "Source",
                "properties.country": "Billing Country",
                "properties.coupon": "Discount Code",
            },
            ORDER,
        ),
    ),
    "olist_order_items": (
        "order_id|order_item_id|customer_id|product_id|price|order_purchase_timestamp|customer_state",
        [
            "e481|1|9ef4|87285b|29.99|2017-10-02 10:56:33|SP",
            "53cd|1|b083|595fac|118.70|2018-07-24 20:41:37|BA",
        ],
        "BRL",
        Mapping(
            "till",
            {
                "time": "order_purchase_timestamp",
                "order_id": "order_id",
                "line": "order_item_id",
                "customer_id": "customer_id",
                "product_id": "product_id",
                "unit_price": "price",
                "properties.region": "customer_state",
            },
            ORDER | {"currency": "BRL"},
        ),
    ),
    "h_and_m": (
        "t_dat|customer_id|article_id|price|sales_channel_id",
        ["2018-09-20|000058a1|0663713001|0.050831|2"],
        "SEK",
        Mapping(
            "till",
            {
                "time": "t_dat",
                "customer_id": "customer_id",
                "product_id": "article_id",
                "unit_price": "price",
                "channel": "sales_channel_id",
            },
            ORDER | {"currency": "SEK"},
        ),
    ),
    "grocer_without_prices": (
        "household_id|store_id|basket_id|product_id|quantity|sales_value|retail_disc|transaction_timestamp",
        ["900|330|31198570044|1095275|1|0.50|0.00|2017-01-01 06:53:26"],
        "USD",
        Mapping(
            "till",
            {
                "time": "transaction_timestamp",
                "order_id": "basket_id",
                "customer_id": "household_id",
                "product_id": "product_id",
                "quantity": "quantity",
                "amount": "sales_value",
                "properties.discount": "retail_disc",
                "properties.store": "store_id",
            },
            ORDER | {"currency": "USD"},
        ),
    ),
    "german_decimals_english_names": (
        "Order No.|Order Date|Client ID|Item No.|Qty|Unit Price (EUR)|Line Total (EUR)|Gender",
        [
            "1|01.05.2024 09:30|c1|T-1|2|12,50 €|25,00 €|f",
            "2|13.05.2024 09:31|c2|T-2|1|1.250,00 €|1.250,00 €|m",
        ],
        "EUR",
        Mapping(
            "till",
            {
                "time": "Order Date",
                "order_id": "Order No.",
                "customer_id": "Client ID",
                "product_id": "Item No.",
                "quantity": "Qty",
                "unit_price": "Unit Price (EUR)",
                "amount": "Line Total (EUR)",
            },
            ORDER | {"currency": "EUR"},
            "%d.%m.%Y %H:%M",
            ",",
        ),
    ),
    "american_till": (
        "Transaction ID|Transaction Date|Customer Name|Email Address|Product|Units|Price|State|Date of Birth",
        ["A1|3/4/24 2:05 PM|Ada L|ada@example.org|Green tea|1|$5.25|NY|1/2/1990"],
        "USD",
        Mapping(
            "till",
            {
                "time": "Transaction Date",
                "order_id": "Transaction ID",
                "customer_id": "Email Address",
                "product_id": "Product",
                "title": "Product",
                "quantity": "Units",
                "unit_price": "Price",
                "properties.region": "State",
            },
            ORDER | {"currency": "USD"},
            "%m/%d/%y %I:%M %p",
        ),
    ),
    "sum_of_each_order_only": (
        "order_number|created_at|customer_id|order_total|type",
        ["1|2024-05-01|ada|12.50|retail", "2|2024-05-02|bob|7.00|trade"],
        "GBP",
        Mapping(
            "till",
            {
                "time": "created_at",
                "order_id": "order_number",
                "customer_id": "customer_id",
                "amount": "order_total",
            },
            ORDER | {"currency": "GBP"},
        ),
    ),
}


def guessed(headers: str, rows: list[str], currency: str = "GBP"):
    return guess(headers.split("|"), [row.split("|") for row in rows], name="till", currency=currency)


@pytest.mark.parametrize("case", FILES)
def test_a_real_set_of_headers_is_mapped(case):
    headers, rows, currency, expected = FILES[case]
    found = guessed(headers, rows, currency)
    assert found.mapping == expected
    assert set(found.evidence) == {*expected.columns, *expected.constants}
    assert found.unmapped == tuple(h for h in headers.split("|") if h not in expected.columns.values())


@pytest.mark.parametrize(
    ("dates", "currency", "form", "why"),
    [
        (["01/02/2024", "13/02/2024"], "USD", "%d/%m/%Y", "1 of 2 have a first part over 12"),
        (["01/02/2024", "02/13/2024"], "GBP", "%m/%d/%Y", "1 of 2 have a second part over 12"),
        (["01/02/2024"], "USD", "%m/%d/%Y", "usual with the currency"),
        (["01/02/2024", "01/03/2024", "02/01/2024"], "GBP", "%m/%d/%Y", "in order of time"),
        (["01/02/2024", "02/02/2024", "01/03/2024"], "USD", "%d/%m/%Y", "in order of time"),
        (["05/01/2024", "01/05/2024", "03/03/2024"], "GBP", "%d/%m/%Y", "usual with the currency"),
        (["05/01/2024", "01/05/2024", "03/03/2024"], "CAD", "%m/%d/%Y", "usual with the currency"),
        (["13/01/2024", "14/01/2024", "01/15/2024"], "USD", "%d/%m/%Y", "reads 2 of 3"),
    ],
)
def test_day_or_month_first(dates, currency, form, why):
    found = guessed("Date|SKU", [f"{date}|T-1" for date in dates], currency)
    assert found.mapping.time_format == form
    assert why in found.evidence["time"]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2024-05-01", "2024-05-01 10:02", "2024-05-01T10:02:11.123456Z", "2024-05-01 10:02:11+08:00"], ""),
        (["2024-5-1 9:02", "2024-05-01 10:02:11 -0400", "2024-05-01 10:02:11 UTC"], ""),
        (["1714557731"], "unix"),
        (["1714557731123"], "unix_ms"),
        (["20240501"], "%Y%m%d"),
        (["20240501100211"], "%Y%m%d%H%M%S"),
        (["2024/5/1 10:02", "2024/12/13 9:02"], "%Y/%m/%d %H:%M"),
        (["2024年5月1日"], "%Y年%m月%d日"),
        (["2024年5月1日10时02分33秒"], "%Y年%m月%d日%H时%M分%S秒"),
        (["13-5-24 10:02:33"], "%d-%m-%y %H:%M:%S"),
        (["5/13/2024, 12:02:33 AM"], "%m/%d/%Y, %I:%M:%S %p"),
        (["5/13/2024 1:02PM"], "%m/%d/%Y %I:%M%p"),
        (["1-May-2024 10:02"], "%d-%b-%Y %H:%M"),
        (["13/05/2024 10:02:11 +0100"], "%d/%m/%Y %H:%M:%S %z"),
    ],
)
def test_a_detected_format_is_read_by_the_import(cells, form):
    found = detect(cells, month_first=False)
    assert found is not None
    assert found.format == form
    moments, unreadable, _ = to_time(pa.array(cells), found.format, "UTC")
    assert moments.null_count == 0
    assert unreadable is None or not any(unreadable.to_pylist())


def test_the_moment_is_right_in_every_order_of_day_and_month():
    for cell in ("13/5/2024", "5/13/2024", "13.05.2024", "2024年5月13日", "13-5-24", "13-May-2024"):
        form = detect([cell], month_first=False).format
        assert to_time(pa.array([cell]), form, "UTC").values.to_pylist() == [datetime(2024, 5, 13, tzinfo=UTC)]


def test_a_column_named_date_without_dates_is_not_the_time():
    found = guessed("Date|Bought|SKU", ["soon|2024-05-01|T-1", "later|2024-05-02|T-2"])
    assert found.mapping.columns["time"] == "Bought"
    assert "no other column holds times" in found.evidence["time"]


def test_one_cell_in_ten_may_be_no_time():
    rows = [f"2024-05-0{day}|T" for day in range(1, 10)]
    assert guessed("Date|SKU", [*rows, "?|T"]).mapping.columns["time"] == "Date"
    with pytest.raises(
        InputError, match=re.escape('"Date" is named for it, but 2 of 11 cells are not times, e.g. "?"')
    ):
        guessed("Date|SKU", [*rows, "?|T", "?|T"])


@pytest.mark.parametrize("header", ["Date of Birth", "生日", "expiry"])
def test_a_birthday_is_never_the_time(header):
    with pytest.raises(InputError):
        guessed(f"SKU|{header}", ["T-1|1990-05-01"])


def test_two_unknown_columns_of_times_are_not_guessed_between():
    with pytest.raises(InputError, match="no column is surely the time"):
        guessed("Versand|Bestellung|SKU", ["2024-05-02|2024-05-01|T-1"])


def test_an_unknown_column_of_numbers_is_not_taken_for_a_time():
    with pytest.raises(InputError):
        guessed("ref|SKU", ["1714557731|T-1"])


def test_the_message_shows_the_mapping_to_write():
    with pytest.raises(InputError) as caught:
        guessed("Who|SKU|Unit price|Country", ["ada|T-1|5.00|FR"], "EUR")
    message = str(caught.value)
    assert "Columns: Who, SKU, Unit price, Country." in message
    section = tomllib.loads(message[message.index("[mapping.till]") :])["mapping"]["till"]
    assert Mapping.from_dict("till", section) == Mapping(
        "till",
        {"time": "COLUMN", "product_id": "SKU", "unit_price": "Unit price", "properties.country": "Country"},
        {"type": "order_completed", "currency": "EUR"},
        "%d/%m/%Y %H:%M",
    )


@pytest.mark.parametrize("rows", [[], [[None, ""]], [["nan", " "]]])
def test_a_file_without_rows_is_refused(rows):
    with pytest.raises(InputError, match=r"no rows to go by. Columns: date, sku"):
        guess(["date", "sku"], rows, name="till", currency="EUR")


def test_the_sum_of_an_order_with_two_rows_is_not_an_amount():
    found = guessed("date|order id|sku|total", ["2024-05-01|1|T-1|30", "2024-05-01|1|T-2|30"])
    assert "amount" not in found.mapping.columns


@pytest.mark.parametrize(("paid", "is_amount"), [("18.00", True), ("25.00", False)])
def test_an_amount_above_price_times_quantity_is_of_the_whole_order(paid, is_amount):
    found = guessed("date|sku|qty|price|amount", [f"2024-05-01|T-1|2|10.00|{paid}"])
    assert ("amount" in found.mapping.columns) is is_amount


def test_a_device_class_is_not_a_device_id():
    assert guessed("date|device id", ["2024-05-01|mobile"]).unmapped == ("device id",)


def test_a_type_of_product_is_not_the_type_of_the_event():
    assert guessed("date|type", ["2024-05-01|Coffee"]).mapping.constants["type"] == "order_completed"
    assert guessed("date|type", ["2024-05-01|purchase"]).mapping.columns["type"] == "type"


def test_a_code_under_product_is_no_title():
    assert "title" not in guessed("date|商品", ["2024-05-01|10023"]).mapping.columns
    assert guessed("date|商品", ["2024-05-01|红茶"]).mapping.columns["title"] == "商品"


def test_explain_shows_examples_and_constants():
    headers, rows = ["date", "sku"], [["2024-05-01", "T-1"], ["2024-05-02", None], ["2024-05-03", "T-1"]]
    found = guess(headers, rows, name="till", currency="EUR")
    assert explain(found, headers, rows) == [
        ("time", "date", ("2024-05-01", "2024-05-02", "2024-05-03"), "header; values: times in ISO 8601"),
        ("product_id", "sku", ("T-1",), "header"),
        ("type", "", ("order_completed",), "no column tells kinds of event: every row is of an order"),
        ("currency", "", ("EUR",), "no column tells the currency: the shop's own"),
    ]


WORDS = [
    "date",
    "时间",
    "price",
    "商品",
    "Product",
    "qty",
    "amount",
    "type",
    "device",
    "received at",
    "total",
    "订单号",
]
CELLS = [
    "2024-05-01",
    "1/2/24",
    "1,5",
    "¥3",
    "1714557731",
    "99999999999999999999",
    "0000-00-00",
    "view",
    "nan",
    None,
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=6),
    st.lists(st.lists(st.sampled_from(CELLS) | st.none() | st.text(max_size=12), max_size=7), max_size=5),
    st.text(max_size=8),
)
def test_any_text_gives_a_sound_mapping_or_a_message(headers, rows, name):
    try:
        found = guess(headers, rows, name=name, currency="EUR")
    except InputError:
        return
    columns = dict(found.mapping.columns)
    assert set(columns.values()) <= set(headers)
    assert all(field in FIELDS or field.startswith(EXTRA) for field in columns)
    if columns.get("title") == columns.get("product_id"):
        columns.pop("title", None)
    assert len(set(columns.values())) == len(columns)
    assert set(headers) == {*columns.values(), *found.unmapped}
    assert len(explain(found, headers, rows)) == len(found.evidence)
