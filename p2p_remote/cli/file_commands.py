"""Commands about files, of the NDJSON contract."""

from pathlib import Path
from typing import Any

from p2p_remote.errors import RemoteSupportError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services.technician_transfers import TechnicianTransfers


def text_field(command: dict[str, Any], key: str) -> str:
    """Return a field that is text.

    Raises:
        UsageError: it is missing or empty.

    """
    value = command.get(key)
    if not isinstance(value, str) or not value:
        raise UsageError(f'"{key}" is missing')
    return value


def transfer_field(command: dict[str, Any]) -> int:
    """Return the number of the transfer that is meant.

    Raises:
        UsageError: it is missing.

    """
    value = command.get("transfer")
    if type(value) is not int:
        raise UsageError('"transfer" is the number of the transfer')
    return value


async def carry_out(
    transfers: TechnicianTransfers, name: str, command: dict[str, Any]
) -> dict[str, Any]:
    """Send or get one file; returns what is told of it in the end.

    Raises:
        RemoteSupportError: a field is missing, or the file did not arrive.

    """
    if name == "send":
        file = text_field(command, "file")
        report = await transfers.send(Path(file))
        return _details(report, file)
    report = await transfers.get(
        text_field(command, "path"), Path(text_field(command, "to"))
    )
    return _details(report, report.path)


def _details(report: se.TransferReport, file: str) -> dict[str, Any]:
    if report.state != "done":
        raise RemoteSupportError(report.text)
    return {"transfer": report.number, "file": file, "bytes": report.size}
