using Kgents.Api.Agentese;
using Kgents.Api.Authentication;
using Kgents.Api.Edge;
using Kgents.Api.Idempotency;
using Kgents.Api.Keys;
using Kgents.Api.Limits;
using Kgents.Api.Messages;
using Kgents.Api.Metering;
using Kgents.Api.OpenApi;
using Kgents.Api.Operations;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Retention;
using Kgents.Api.Sessions;
using Kgents.Api.Soul;
using Kgents.Api.Telemetry;
using Kgents.Api.Tenants;
using Kgents.Api.Tickets;
using Kgents.Api.Turns;
using Kgents.Api.Usage;
using Kgents.Api.Webhooks;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.ServiceDefaults.Webhooks;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Kgents.Api;

/// <summary>HTTP and SSE: sessions and their turns. It runs no model and holds nothing that a restart may lose.</summary>
public static class KgentsApi
{
    public static TBuilder AddKgentsApi<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddTopology([Streams.Messages, Streams.Tokens, Streams.Usage, Streams.Ledger, Streams.DayCounts], [Buckets.SessionRecords, Buckets.SessionDetailRecords, Buckets.DeletionOrders, Buckets.TenantRecords, Buckets.ApiKeyRecords, Buckets.CancelMarks, Buckets.IdempotencyRecords, Buckets.QuotaRecords, Buckets.OpenStreamsRecords, Buckets.RequestRateRecords, Buckets.ReconciliationRecords, Buckets.AgenteseRecords]);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            ApiJson.Configure(json.SerializerOptions);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });

        builder.Services.AddSingleton<ApiMetrics>();
        builder.Services.AddServerLimits();
        builder.Services.AddCrossOrigin();
        builder.Services.AddApiDocument();
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<FaultHandler>();
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);

        builder.Services.AddOptionsWithValidateOnStart<BootstrapKeyOptions, BootstrapKeyOptionsValidator>().BindConfiguration(BootstrapKeyOptions.SectionName);
        builder.Services.AddApiKeyAuthentication();
        builder.Services.AddAuthorization().AddSingleton<IAuthorizationHandler, RequiredScopeHandler>();
        builder.Services.AddBucketView(Buckets.TenantRecords, WireJson.Default.TenantRecord).AddBucketView(Buckets.ApiKeyRecords, WireJson.Default.ApiKeyRecord);
        builder.Services.AddSingleton<TenantStore>().AddSingleton<TenantSlugs>().AddSingleton<ApiKeyStore>().AddSingleton<KeyUse>().AddSingleton<KeyAdministration>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<StreamPlaces>()).AddHostedService(provider => provider.GetRequiredService<KeyUse>()).AddHostedService<BootstrapKeyWorker>();

        builder.Services.AddOptionsWithValidateOnStart<TicketOptions, TicketOptionsValidator>().BindConfiguration(TicketOptions.SectionName);
        builder.Services.AddSingleton<TicketSecret>().AddSingleton<StreamTickets>().AddHostedService<TicketSecretLoader>();

        builder.Services.AddOptionsWithValidateOnStart<PlanTable, PlanTableValidator>().BindConfiguration(PlanTable.SectionName, binder => binder.ErrorOnUnknownConfiguration = true);
        builder.Services.AddSingleton<PlanCatalog>().AddSingleton<TurnAdmission>().AddSingleton<RequestBuckets>().AddSingleton<RequestCounter>();

        builder.Services.AddOptionsWithValidateOnStart<MessageOptions, MessageOptionsValidator>().BindConfiguration(MessageOptions.SectionName);
        builder.Services.AddOptionsWithValidateOnStart<TurnStreamOptions, TurnStreamOptionsValidator>().BindConfiguration(TurnStreamOptions.SectionName);
        builder.Services.AddSingleton<AllowedModels>().AddSingleton<SessionStore>().AddSingleton<SessionDetailsStore>().AddSingleton<SessionChanges>().AddSingleton<SessionListing>().AddSingleton<SessionAnswers>().AddSingleton<DeletedSessions>().AddSingleton<DeletionOrders>().AddSingleton<SessionDeletion>().AddSingleton<Conversation>().AddSingleton<IdleClock>().AddSingleton<TailReader>().AddSingleton<TurnFollower>().AddSingleton<TurnFeeds>().AddSingleton<OpenStreams>().AddSingleton<StreamPlaces>().AddSingleton<SessionLog>().AddSingleton<TurnStore>().AddSingleton<TurnCanceller>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<TailReader>());
        builder.Services.AddSingleton<IdempotencyStore>().AddSingleton<IdempotentAcceptance>();
        builder.Services.AddSingleton<MessageInbox>().AddSingleton<MessageReply>().AddSingleton<SoulTurns>();
        builder.Services.AddOptionsWithValidateOnStart<UsageOptions, UsageOptionsValidator>().BindConfiguration(UsageOptions.SectionName);
        builder.Services.AddSingleton<UsageReport>();
        builder.Services.AddOptionsWithValidateOnStart<RequestMeteringOptions, RequestMeteringOptionsValidator>().BindConfiguration(RequestMeteringOptions.SectionName);
        builder.Services.AddSingleton<RequestCounts>().AddHostedService<RequestUsageWorker>();
        builder.Services.AddOptionsWithValidateOnStart<QuotaOptions, QuotaOptionsValidator>().BindConfiguration(QuotaOptions.SectionName);
        builder.Services.AddSingleton<LedgerMonths>().AddSingleton<MonthUsage>().AddSingleton<QuotaRebase>().AddHostedService<QuotaRebaseWorker>();
        builder.Services.AddOptionsWithValidateOnStart<RetentionOptions, RetentionOptionsValidator>().BindConfiguration(RetentionOptions.SectionName);
        builder.Services.AddSingleton<SessionRetention>().AddHostedService<RetentionWorker>();

        builder.Services.AddOptionsWithValidateOnStart<WebhookOptions, WebhookOptionsValidator>().BindConfiguration(WebhookOptions.SectionName);
        builder.Services.AddWebhookStores().AddSingleton<WebhookAdministration>().AddSingleton<DeliveryLog>();
        builder.Services.AddSingleton<UsageOperator>();
        builder.Services.AddAgentese();
        return builder;
    }

    public static WebApplication MapKgentsApi(this WebApplication app)
    {
        app.UseMiddleware<EventStreams>();
        app.UseMiddleware<AnswerHeaders>();
        app.UseExceptionHandler();
        app.UseStatusCodePages(pages => FaultHandler.ExplainStatusAsync(pages.HttpContext));
        app.UseCrossOrigin();
        app.UseMiddleware<StoreGate>();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseMiddleware<RequestLimits>();
        if (app.Services.GetRequiredService<IOptions<RequestMeteringOptions>>().Value.Enabled)
        {
            app.UseMiddleware<RequestMeter>();
        }

        app.UseMiddleware<PlainBodies>();

        app.MapTenants();
        app.MapKeys();
        app.MapSessions();
        app.MapSessionStream();
        app.MapMessages();
        app.MapTurns();
        app.MapSoul();
        app.MapAgentese();
        app.MapUsage();
        app.MapWebhooks();
        app.MapOperations();
        app.MapApiDocument();
        app.MapApiPage();
        return app;
    }
}
