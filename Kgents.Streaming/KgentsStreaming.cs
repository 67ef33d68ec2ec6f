using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Turns;
using Kgents.Streaming.Usage;

namespace Kgents.Streaming;

/// <summary>The worker: takes turns from the queue, runs K-gent, and writes what it says into each turn's log.</summary>
public static class KgentsStreaming
{
    public static TBuilder AddKgentsStreaming<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddTopology([Streams.Messages, Streams.Tokens, Streams.Usage, Streams.DeadLetters], []);
        builder.AddLanguageModel();
        builder.Services.AddOptionsWithValidateOnStart<TurnOptions, TurnOptionsValidator>().BindConfiguration(TurnOptions.SectionName);
        builder.Services
            .AddSingleton<SessionChain>()
            .AddSingleton<SessionHistory>()
            .AddSingleton<UsagePublisher>()
            .AddSingleton<DeadLetters>()
            .AddSingleton<ProgressKeeper>()
            .AddSingleton<TokenPump>()
            .AddSingleton<TurnControl>()
            .AddSingleton<TurnFinisher>()
            .AddSingleton<TurnProcessor>()
            .AddSingleton<TurnQueue>()
            .AddSingleton<TurnRunner>()
            .AddHostedService<TurnWorker>();
        return builder;
    }
}
