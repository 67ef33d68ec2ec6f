using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary><c>void.entropy</c>: a surplus of chance, of which each tenant has a budget.</summary>
internal sealed class EntropyNode(EntropyStore entropy) : IAgenteseNode
{
    private const decimal UsualSip = 0.05m;
    private const int SeedBytes = 16;

    public string Context => "void";

    public string? Holon => "entropy";

    public string Summary => "a surplus of chance, of which each tenant has a budget";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        new("status", Scopes.Read, "what is left and what was drawn"),
        new("sip", Scopes.Write, "draws some, as a random seed", Parameter.Amount) { Modifiers = [PathModifiers.Entropy] },
        new("pour", Scopes.Write, "gives back what was drawn; half of it is saved", Parameter.Amount with { IsRequired = true }),
        new("tithe", Scopes.Write, "gives thanks, by which a little more is there", Parameter.Input),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var tenant = invocation.Tenant;
        switch (invocation.Aspect.Name)
        {
            case "sip":
                return Read(invocation, UsualSip, out var amount) is { } refused ? refused : await SipAsync(tenant, amount, cancellationToken);
            case "pour":
                return await PourAsync(tenant, invocation.Arguments.Find<decimal>("amount")!.Value, cancellationToken);
            case "tithe":
                var more = await entropy.TitheAsync(tenant, cancellationToken);
                return new AgenteseAnswer.Shown(new JsonObject { ["given"] = EntropyStore.Tithe, ["remaining"] = more.Remaining });
            default:
                var now = await entropy.FindAsync(tenant, cancellationToken);
                return new AgenteseAnswer.Shown(new JsonObject { ["budget"] = entropy.Budget, ["remaining"] = now.Remaining, ["drawn"] = now.Drawn });
        }
    }

    /// <summary>What is to be drawn: as the clause says or the value, but not both.</summary>
    public static AgenteseAnswer.Refused? Read(Invocation invocation, decimal usual, out decimal amount)
    {
        var (clause, value) = (invocation.Path.Entropy, invocation.Arguments.Find<decimal>("amount"));
        amount = clause ?? value ?? usual;
        return clause is not null && value is not null ? new AgenteseAnswer.Refused(Problem.Invalid(422, "kwargs.amount", "stands in the path already"))
            : !ArgumentReader.IsAmount(amount) ? new AgenteseAnswer.Refused(Problem.Invalid(422, "path", "must draw more than 0 of entropy"))
            : null;
    }

    private async Task<AgenteseAnswer> SipAsync(TenantId tenant, decimal amount, CancellationToken cancellationToken) =>
        await entropy.SipAsync(tenant, amount, cancellationToken) is { } left
            ? new AgenteseAnswer.Shown(new JsonObject { ["amount"] = amount, ["seed"] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SeedBytes)), ["remaining"] = left.Remaining })
            : new AgenteseAnswer.Refused(Problem.EntropyExhausted((await entropy.FindAsync(tenant, cancellationToken)).Remaining));

    private async Task<AgenteseAnswer> PourAsync(TenantId tenant, decimal amount, CancellationToken cancellationToken)
    {
        if (await entropy.PourAsync(tenant, amount, cancellationToken) is not { } then)
        {
            var drawn = (await entropy.FindAsync(tenant, cancellationToken)).Drawn;
            return new AgenteseAnswer.Refused(Problem.Invalid(422, "kwargs.amount", FormattableString.Invariant($"must not be more than was drawn, which is {drawn}")));
        }

        return new AgenteseAnswer.Shown(new JsonObject { ["returned"] = amount, ["remaining"] = then.Remaining, ["drawn"] = then.Drawn });
    }
}
