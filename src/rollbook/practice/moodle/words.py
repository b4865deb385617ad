"""Messages of a site in Spanish, for the error codes that clients meet most: what they say is not to be relied on."""

from __future__ import annotations

from typing import Final

_SPANISH: Final = {
    "invalidparameter": "Valor de parámetro no válido detectado",
    "invalidtoken": "Ficha (token) no válida - ficha no encontrada",
    "accessexception": "Excepción de control de acceso",
    "nopermissions": "Lo sentimos, pero por el momento no tiene permiso para hacer eso.",
    "invalidrecord": "No se puede encontrar el registro en la base de datos.",
    "dmlwriteexception": "Error al escribir a la base de datos",
    "shortnametaken": "El nombre corto ya se usa en otro curso",
    "courseidnumbertaken": "El número ID ya se usa en otro curso",
    "categoryidnumbertaken": "El número ID ya se usa en otra categoría",
}


def of(lang: str) -> dict[str, str]:
    """Messages by errorcode, where they are not English."""
    return _SPANISH if lang == "es" else {}
