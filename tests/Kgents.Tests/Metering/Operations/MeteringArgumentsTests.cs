using Kgents.Metering.Operations;

namespace Kgents.Tests.Metering.Operations;

public sealed class MeteringArgumentsTests
{
    [Fact]
    public void Command_IsUnderstood() => Assert.Equal(
        new MeteringArguments("dead-letters", "discard", 4, "a mistake", 2),
        MeteringArguments.TryParse(["dead-letters", "discard", "4", "--reason", "a mistake", "--partition", "2"]));

    [Theory]
    [InlineData("ledger")]
    [InlineData("ledger", "rebuild")]
    [InlineData("ledger", "reissue", "--reason", "x")]
    [InlineData("dead-letters", "discard", "4")]
    [InlineData("dead-letters", "discard", "4", "--reason", " ")]
    [InlineData("dead-letters", "drop", "4")]
    [InlineData("ledger", "show", "4")]
    [InlineData("ledger", "resend")]
    [InlineData("ledger", "reconcile", "--reason", "x")]
    [InlineData("ledger", "reconcile", "--hours", "0")]
    [InlineData("ledger", "reconcile", "--hours", "many")]
    public void WhatLacksSomething_OrHasTooMuch_IsNoCommand(params string[] args) => Assert.Null(MeteringArguments.TryParse(args));
}
