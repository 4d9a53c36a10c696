"""Requests to change parameters that end a node in rclpy: they are refused with a reason here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import ParameterType, SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node

LAST_TYPE = int(ParameterType.PARAMETER_STRING_ARRAY)


def guard_parameter_services(node: Node) -> None:
    """Stand before rclpy's own services of a node's parameters, which raise at a type that there is not.

    A parameter without a name is refused as well: rclpy says that it was set.
    """
    for service in node.services:
        if service.srv_type is SetParameters:
            service.callback = partial(_set_each, service.callback)
        elif service.srv_type is SetParametersAtomically:
            service.callback = partial(_set_all, service.callback)


def _set_each(
    answer: Callable[[Any, Any], Any], request: SetParameters.Request, response: SetParameters.Response
) -> SetParameters.Response:
    refusals = [_refusal(parameter) for parameter in request.parameters]
    possible = [p for p, refusal in zip(request.parameters, refusals, strict=True) if not refusal]
    answered = iter(answer(SetParameters.Request(parameters=possible), SetParameters.Response()).results)
    response.results = [_refused(refusal) if refusal else next(answered) for refusal in refusals]
    return response


def _set_all(
    answer: Callable[[Any, Any], Any],
    request: SetParametersAtomically.Request,
    response: SetParametersAtomically.Response,
) -> SetParametersAtomically.Response:
    refusals = [refusal for parameter in request.parameters if (refusal := _refusal(parameter))]
    if not refusals:
        return answer(request, response)
    response.result = _refused(refusals[0])
    return response


def _refusal(parameter: Any) -> str:
    if not parameter.name:
        return "expected the name of a parameter, found none; `ros2 param list` has them"
    if parameter.value.type > LAST_TYPE:
        return (
            f"{parameter.name}: expected a type of rcl_interfaces/ParameterType, 0 to {LAST_TYPE}, found "
            f"{parameter.value.type}; correct it"
        )
    return ""


def _refused(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)
