"""Lets Soda 4 verify all contracts in one session and writes what failed."""

import pathlib

from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
from soda_core.contracts.contract_verification import ContractVerificationSession

FAULTS = {"freshness": "stale", "row_count": "few", "missing": "nulls", "duplicate": "duplicates", "invalid": "orphans"}

session = ContractVerificationSession.execute(
    contract_yaml_sources=[ContractYamlSource.from_file_path(str(f)) for f in sorted(pathlib.Path("contracts").glob("*.yml"))],
    data_source_yaml_sources=[DataSourceYamlSource.from_file_path("wh.yml")],
)
with open("found.txt", "w") as out:
    for result in session.contract_verification_results:
        for check in result.check_results:
            if check.is_failed:
                print(result.contract.dataset_name, FAULTS[check.check.type], file=out)
