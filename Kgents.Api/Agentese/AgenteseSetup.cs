namespace Kgents.Api.Agentese;

internal static class AgenteseSetup
{
    public static IServiceCollection AddAgentese(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<AgenteseOptions, AgenteseOptionsValidator>().BindConfiguration(AgenteseOptions.SectionName);
        services.AddSingleton<NodeRegistry>().AddSingleton<ArgumentReader>().AddSingleton<Invoker>().AddSingleton<AgenteseReply>().AddSingleton<Composer>();
        services.AddSingleton<SoulQuestions>().AddSingleton<HolonStore>().AddSingleton<HolonTurns>().AddSingleton<EntropyStore>().AddSingleton<PastTurns>().AddSingleton<TurnLookup>();
        return services
            .AddSingleton<IAgenteseNode, SystemNode>()
            .AddSingleton<IAgenteseNode, EntityNode>()
            .AddSingleton<IAgenteseNode, CapabilitiesNode>()
            .AddSingleton<IAgenteseNode, IdentityNode>()
            .AddSingleton<IAgenteseNode, SessionNode>()
            .AddSingleton<IAgenteseNode, SoulNode>()
            .AddSingleton<IAgenteseNode, UsageNode>()
            .AddSingleton<IAgenteseNode, ConceptNode>()
            .AddSingleton<IAgenteseNode, EntropyNode>()
            .AddSingleton<IAgenteseNode, SerendipityNode>()
            .AddSingleton<IAgenteseNode, TraceNode>()
            .AddSingleton<IAgenteseNode, PastNode>();
    }
}
