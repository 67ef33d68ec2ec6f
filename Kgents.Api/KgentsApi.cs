using Kgents.Api.Authentication;
using Kgents.Api.Idempotency;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api;

/// <summary>HTTP and SSE: sessions and their turns. It runs no model and holds nothing that a restart may lose.</summary>
public static class KgentsApi
{
    public static TBuilder AddKgentsApi<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddTopology([Streams.Messages, Streams.Tokens], [Buckets.SessionRecords, Buckets.ApiKeyRecords, Buckets.CancelMarks, Buckets.IdempotencyRecords]);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            ApiJson.Configure(json.SerializerOptions);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });

        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<FaultHandler>();
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);

        builder.Services.AddOptionsWithValidateOnStart<BootstrapKeyOptions, BootstrapKeyOptionsValidator>().BindConfiguration(BootstrapKeyOptions.SectionName);
        builder.Services.AddApiKeyAuthentication();
        builder.Services.AddAuthorization();
        builder.Services.AddSingleton<ApiKeyStore>().AddHostedService<BootstrapKeyWorker>();

        builder.Services.AddOptionsWithValidateOnStart<MessageOptions, MessageOptionsValidator>().BindConfiguration(MessageOptions.SectionName);
        builder.Services.AddOptionsWithValidateOnStart<TurnStreamOptions, TurnStreamOptionsValidator>().BindConfiguration(TurnStreamOptions.SectionName);
        builder.Services.AddSingleton<SessionStore>().AddSingleton<Conversation>().AddSingleton<TurnFollower>().AddSingleton<TurnFeeds>().AddSingleton<OpenStreams>().AddSingleton<TurnStore>().AddSingleton<TurnCanceller>();
        builder.Services.AddSingleton<IdempotencyStore>().AddSingleton<IdempotentAcceptance>();
        builder.Services.AddSingleton<MessageInbox>().AddSingleton<MessageReply>();
        return builder;
    }

    public static WebApplication MapKgentsApi(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages(pages => FaultHandler.ExplainStatusAsync(pages.HttpContext));
        app.UseMiddleware<StoreGate>();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapSessions();
        app.MapMessages();
        app.MapTurns();
        return app;
    }
}
