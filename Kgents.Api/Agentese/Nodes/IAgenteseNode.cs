namespace Kgents.Api.Agentese;

/// <summary>What stands behind a handle. It has no state of its own: what it tells of is the tenant's, in JetStream.</summary>
internal interface IAgenteseNode
{
    /// <summary>One of the five.</summary>
    string Context { get; }

    /// <summary>Its name in the context; null when it stands for every name that no other node has.</summary>
    string? Holon { get; }

    string Summary { get; }

    IReadOnlyList<Aspect> Aspects { get; }

    /// <summary>Does what the path says. All that the request alone can be refused for was looked at before.</summary>
    Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken);
}
