"""Lets Great Expectations validate all tables and writes what failed."""

import datetime
import pathlib

import great_expectations as gx
import great_expectations.expectations as gxe

FAULTS = {
    "expect_column_max_to_be_between": "stale",
    "expect_table_row_count_to_be_between": "few",
    "expect_column_values_to_not_be_null": "nulls",
    "expect_column_values_to_be_unique": "duplicates",
    "unexpected_rows_expectation": "orphans",
}
ORPHANS = "select * from {batch} where dim_id is not null and not exists (select 1 from dim d where d.id = dim_id)"

context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_postgres("wh", connection_string=pathlib.Path("dsn.txt").read_text())
suite = context.suites.add(gx.ExpectationSuite("five"))
newest = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)
for expectation in (
    gxe.ExpectColumnMaxToBeBetween(column="ts", min_value=newest),
    gxe.ExpectTableRowCountToBeBetween(min_value=900),
    gxe.ExpectColumnValuesToNotBeNull(column="val"),
    gxe.ExpectColumnValuesToBeUnique(column="id"),
    gxe.UnexpectedRowsExpectation(unexpected_rows_query=ORPHANS),
):
    suite.add_expectation(expectation)
with open("found.txt", "w") as out:
    for table in pathlib.Path("tables.txt").read_text().split():
        try:
            batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all")
        except gx.datasource.fluent.interfaces.TestConnectionError as absent:
            print(table, "raised", type(absent).__name__, file=out)
            continue
        definition = gx.ValidationDefinition(name=table, data=batch, suite=suite)
        context.validation_definitions.add(definition)
        for result in definition.run().results:
            if not result.success:
                print(table, FAULTS[result.expectation_config.type], file=out)
